// The process of an explored model, so that decoding neither blocks the server nor ends it. Started by models.ts with
// the run's folder and the number of threads. Answers one message at a time.
import process from "node:process";
import { type EncodedError, encodeError } from "../errors.js";
import { ExploredModel } from "./explored-model.js";
import { answerCall } from "./model-calls.js";

/** The JSON of the answer. */
export type Answer = { readonly json: string } | { readonly error: EncodedError };

const [, , run, threads] = process.argv;
const model = new ExploredModel(run, Number(threads));

process.on("message", async (body: string) => process.send?.(await answer(body)));
// The server has ended, perhaps without a signal to this process.
process.on("disconnect", () => process.exit());

async function answer(body: string): Promise<Answer> {
  try {
    return { json: JSON.stringify(await answerCall(model, JSON.parse(body))) };
  } catch (error) {
    return { error: encodeError(error) };
  }
}
