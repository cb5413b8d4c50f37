// Shows the events of a training, and adds a resume command to its errors.
import path from "node:path";
import { Interruption, isSystemError } from "../errors.js";
import { isGone } from "../files/read.js";
import type { Training, TrainingDone, TrainingStart } from "../index.js";
import { CONFIG } from "../run/config.js";
import { PICTURES } from "../run/pictures.js";
import type { Io } from "./io.js";
import { print } from "./output.js";
import { openPicture } from "./pictures.js";
import { resumeCommand } from "./program.js";
import type { Stop } from "./signals.js";
import {
  describeResult,
  hintAtDivergence,
  type Notes,
  noteData,
  notesOnce,
  openScreen,
  suggest,
  type TrainingScreen,
} from "./training-screen.js";

/** The first and last event of a finished training. */
export interface Trained {
  readonly start: TrainingStart;
  readonly done: TrainingDone;
}

export interface ShowOptions {
  readonly stop: Stop;
  readonly quiet: boolean;
  readonly json: boolean;
  /** Whether to open the picture of the result. */
  readonly open: boolean;
}

/**
 * Runs a training, and shows it unless `quiet`.
 *
 * @param explain adds a hint to errors after the training has started
 * @param noteOnce writes notes that other trainings may share
 */
export async function showTraining(
  io: Io,
  events: Training,
  { quiet, stop, explain }: { quiet: boolean; stop: Stop; explain(error: unknown, run: string): unknown },
  noteOnce: Notes = notesOnce(io),
): Promise<Trained> {
  const noteOfRun = notesOnce(io);
  let start: TrainingStart | undefined;
  let done: TrainingDone | undefined;
  let screen: TrainingScreen | undefined;
  try {
    for await (const event of events) {
      if (event.type === "start") {
        start = event;
        stop.isTraining = true;
        if (quiet) noteData(event, noteOnce);
        else screen = openScreen(io, event, noteOnce);
      } else if (event.type === "chunk") screen?.showProgress(event);
      else if (event.type === "epoch") {
        screen?.showEpoch(event);
        const hint = hintAtDivergence(start as TrainingStart, event);
        if (hint) noteOfRun(hint);
      } else done = event;
    }
  } catch (error) {
    throw start ? explain(error, start.run) : error;
  } finally {
    stop.isTraining = false;
    screen?.stop();
  }
  if (!start || !done) throw new Error("The training ended without a result");
  return { start, done };
}

/**
 * Trains one run, and prints its result.
 *
 * @param isNamed whether the next commands need the run's name
 */
export async function trainOne(
  io: Io,
  events: Training,
  isNamed: boolean,
  { stop, quiet, json, open }: ShowOptions,
): Promise<void> {
  const explain = (error: unknown, run: string) => withResumeHint(error, run, CONFIG, resumeCommand(io, run));
  const { start, done } = await showTraining(io, events, { quiet, stop, explain });
  const { type, ...result } = done;
  print(io, ...(json ? [JSON.stringify(result)] : describeResult(done, start.config)));
  if (!quiet) suggest(io, isNamed ? start.run : undefined, start.config);
  if (open) await openPicture(io, path.join(start.run, PICTURES, "progress.png"));
}

/**
 * Adds to the error how to resume, if the folder still exists.
 *
 * @param file a file that exists as long as the folder does
 */
export function withResumeHint(error: unknown, folder: string, file: string, command: string): unknown {
  if (error instanceof Interruption) {
    error.message = `${error.message.replace(/\.$/, ", and saved.")} Resume: ${command}`;
  }
  if (isSystemError(error)) {
    error.message += isGone(path.join(folder, file))
      ? `. ${folder} was moved or deleted.`
      : `. The last checkpoint is intact. Resume later: ${command}`;
  }
  return error;
}
