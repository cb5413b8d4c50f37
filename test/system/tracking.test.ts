// Runs the Python blocks of docs/tracking.md. documents.test.ts runs its commands, tensorboard.test.ts reads their
// event files. The MLflow server is a stand-in, which checks the fields of requests as in mlflow/protos/service.proto.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTiny, pythonWith } from "../helpers.js";
import { vae } from "../vae.js";

const blocks = [...readFileSync("docs/tracking.md", "utf8").matchAll(/^```python\n(.*?)^```$/gms)].map(
  ([, code]) => code,
);
const [mlflow, pandas] = blocks;
const program = pythonWith("pandas");

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
const python = async (script: string, env: Record<string, string> = {}) => {
  const options = { cwd: home, env: { ...process.env, ...env }, encoding: "utf8" } as const;
  return (await promisify(execFile)(program as string, ["-c", script], options)).stdout;
};
const reportsOf = (run: string) =>
  readFileSync(at(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "vae-tracking-"));
  copyTiny(home);
  const train = "train --dataset tiny --epochs 2 --n-hidden 8 --quiet --run";
  for (const run of ["runs/mine", "runs/betas --sweep beta=1,4"]) {
    expect((await vae(`${train} ${run}`.split(" "), home)).code).toBe(0);
  }
});
afterAll(() => rmSync(home, { recursive: true }));

it("docs/tracking.md has two Python blocks", () => expect(blocks.length).toBe(2));

const FIELDS: Record<string, string[]> = {
  create: ["experiment_id", "run_name", "start_time"],
  "log-batch": ["run_id", "metrics", "params"],
  update: ["run_id", "status", "end_time"],
};
/** The limits of a log-batch. */
const MAX_PARAMS = 100;
const MAX_PARAM_LENGTH = 6000;

async function bodyOf(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

it.skipIf(!program)("MLflow gets all settings and numbers", async () => {
  const calls: [call: string, body: Record<string, unknown>][] = [];
  const server = createServer(async (request, response) => {
    const [, call = ""] = /^\/api\/2\.0\/mlflow\/runs\/([\w-]+)$/.exec(request.url ?? "") ?? [];
    const body = await bodyOf(request);
    calls.push([call, body]);
    const isValid =
      request.method === "POST" &&
      request.headers["content-type"] === "application/json" &&
      Object.keys(body).every((field) => FIELDS[call]?.includes(field)) &&
      (call === "create" || body.run_id === "a1b2");
    response.writeHead(isValid ? 200 : 400).end(JSON.stringify(isValid ? { run: { info: { run_id: "a1b2" } } } : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await python(mlflow, { MLFLOW_TRACKING_URI: `http://127.0.0.1:${port}`, no_proxy: "*" });
  } finally {
    server.close();
  }
  const { settings, created } = JSON.parse(readFileSync(at("runs/mine/config.json"), "utf8"));
  const start = Date.parse(created);
  expect(calls[0]).toEqual(["create", { experiment_id: "0", run_name: "mine", start_time: start }]);
  const params = calls.flatMap(([, { params = [] }]) => params as { key: string; value: string }[]);
  expect(params.map(({ key }) => key)).toEqual(Object.keys(settings));
  expect(params.length).toBeLessThanOrEqual(MAX_PARAMS);
  for (const { value } of params) expect(typeof value === "string" && value.length <= MAX_PARAM_LENGTH).toBe(true);
  const metrics = calls.flatMap(([, { metrics = [] }]) => metrics as object[]);
  const { epoch, test } = JSON.parse(readFileSync(at("runs/mine/test.json"), "utf8"));
  for (const report of reportsOf("runs/mine")) {
    const at = { timestamp: Math.round(start + 1000 * report.seconds), step: report.epoch };
    expect(metrics).toContainEqual({ key: "train/kl", value: report.train.kl, ...at });
    expect(metrics).toContainEqual({ key: "validation/elbo", value: report.validation.elbo, ...at });
  }
  expect(metrics).toContainEqual(expect.objectContaining({ key: "test/elbo", value: test.elbo, step: epoch }));
  expect(calls.at(-1)).toMatchObject(["update", { run_id: "a1b2", status: "FINISHED" }]);
});

it.skipIf(!program)("pandas has the epochs of all runs, those of groups too", async () => {
  const out = at("table.json");
  writeFileSync(at("block.py"), pandas);
  await python(`exec(open("block.py").read())\ntable.to_json(${JSON.stringify(out)}, orient="records")`);
  const rows = JSON.parse(readFileSync(out, "utf8")).map((row: Record<string, unknown>) => [row.run, row.epoch]);
  const runs = ["betas/beta=1", "betas/beta=4", "mine"];
  expect(rows).toEqual(runs.flatMap((run) => [1, 2].map((epoch) => [run, epoch])));
  const printed = await python(pandas);
  for (const run of runs) expect(printed).toContain(run);
});
