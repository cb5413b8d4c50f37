// Shows a training in the terminal.
import {
  type Config,
  describePixels,
  objectiveName,
  type TrainingChunk,
  type TrainingDone,
  type TrainingEpoch,
  type TrainingStart,
} from "../index.js";
import { colourOf } from "./colour.js";
import type { Io } from "./io.js";
import { barWidth, createBar, formatCount, formatElbo, formatNats, formatTime, note, plural } from "./output.js";

/** The longest status next to the bar. */
const STATUS_WIDTH = 78;

/** A table on stderr, a line for each epoch, and on a terminal a bar below it. */
export class TrainingScreen {
  readonly #io: Io;
  readonly #config: Config;
  readonly #objective: string;
  /** nats: worse than a model for which every pixel is half white, by a nat for each pixel. */
  readonly #worst: number;
  readonly #barWidth: number;
  readonly #bar: ReturnType<typeof createBar>;
  #isSlow: boolean;

  constructor(io: Io, start: TrainingStart) {
    const { config, pixels } = start;
    this.#io = io;
    this.#config = config;
    this.#objective = `−${objectiveName(config)}`;
    this.#worst = pixels * (halfWhite(config) + 1);
    this.#barWidth = barWidth(io, STATUS_WIDTH);
    this.#bar = createBar(io, "{label} {bar} {status}", this.#barWidth);
    this.#isSlow = config.engine !== "compiled";
    for (const line of describeStart(start)) note(io, line);
    this.#row("epoch", this.#objective, "reconstruction", "KL", `validation ${this.#objective}`, "images/s");
  }

  showProgress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: TrainingChunk): void {
    // Not after the first step, which takes longer than the others.
    if (this.#isSlow && epoch * step > 1) {
      note(this.#io, `This run will take about ${formatTime(secondsLeft)}.`);
      this.#isSlow = false;
    }
    if (!this.#bar) return;
    const label = this.#number(epoch);
    const status = [
      `${this.#objective} ${formatNats(-train.objective, 1)}`,
      `reconstruction ${formatNats(train.reconstruction, 1)}`,
      `KL ${formatNats(train.kl, 1)}`,
      `${Math.round(imagesPerSecond)} images/s`,
      `${formatClock(secondsLeft)} left`,
    ].join("  ");
    // Cut to the terminal's width: a wrapped line cannot be redrawn.
    const room = (this.#io.stderr.columns ?? 80) - label.length - this.#barWidth - 3;
    const shown = { label, status: status.slice(0, Math.max(0, room)) };
    if (!this.#bar.isActive) this.#bar.start(steps, step, shown);
    this.#bar.update(step, shown);
  }

  showEpoch({ epoch, train, validation, isBest, imagesPerSecond }: TrainingEpoch): void {
    this.stop();
    this.#row(
      this.#number(epoch),
      formatNats(-train.objective),
      formatNats(train.reconstruction),
      formatNats(train.kl),
      `${formatNats(-validation.objective)} ${isBest ? "best" : "    "}`,
      String(Math.round(imagesPerSecond)),
    );
    if (-validation.objective <= this.#worst) return;
    const problem = "This is far worse than a grey picture: the training does not learn.";
    note(this.#io, `${problem} Try a smaller --learning-rate than ${this.#config.learningRate}.`);
  }

  /** Says what to do next. @param folder the run's, if it was named */
  suggest(folder: string | undefined): void {
    const vae = programName(this.#io);
    const which = folder === undefined ? "" : ` --run ${quote(folder)}`;
    note(this.#io, `Next:\n  ${vae} reconstruct${which}    reconstructions of test images`);
    note(this.#io, `  ${vae} sample${which}         new images`);
  }

  stop(): void {
    this.#bar?.stop();
  }

  #number(epoch: number): string {
    const { epochs } = this.#config;
    return `${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  }

  #row(...cells: string[]): void {
    const epoch = this.#number(0).length;
    const objective = this.#objective.length;
    const widths = [Math.max(5, epoch), Math.max(8, objective), 15, 7, Math.max(17, objective + 11), 9];
    const row = cells.map((cell, i) => cell.padStart(widths[i])).join(" ");
    this.#io.stderr.write(`${row.replace("best", colourOf(this.#io).green("best"))}\n`);
  }
}

/** Lines about a training that begins or continues. */
function describeStart({ run, config, images, skipped, parameters, fallbackReason, resumed }: TrainingStart): string[] {
  const { dataset, dimZ, engine, nHidden, threads } = config;
  const counts = [
    `${formatCount(images.train)} images to train`,
    `${formatCount(images.validation)} to validate`,
    `${formatCount(images.test)} to test`,
  ].join(", ");
  const units = [...nHidden, dimZ].join("-");
  return [
    `${dataset}: ${counts}; ${describePixels(config)}`,
    ...(skipped > 0 ? [`${plural(skipped, "image file")} left out; vae data says which and why.`] : []),
    `${run}: ${units} units, ${formatCount(parameters)} parameters, engine ${engine}, ${plural(threads, "thread")}`,
    ...(resumed ? [describeResumed(resumed, config)] : []),
    ...(fallbackReason ? [`Using engine ${engine}: ${fallbackReason}.`] : []),
  ];
}

function describeResumed(
  { epoch, step, isFinished }: NonNullable<TrainingStart["resumed"]>,
  { epochs }: Config,
): string {
  if (epoch > epochs) return "This run is finished. More epochs: --epochs";
  if (isFinished) return `This run is finished: it stopped early after epoch ${epoch - 1}.`;
  return step === 0
    ? `Resuming at epoch ${epoch}.`
    : `Resuming in epoch ${epoch}, after ${plural(step, "step")} of it.`;
}

/** −log p(x) of a pixel, at most, if the model has every pixel half white: nats. */
function halfWhite({ likelihood, pixelSigma }: Config): number {
  if (likelihood === "bernoulli") return Math.log(2);
  return 0.125 / pixelSigma ** 2 + Math.log(pixelSigma * Math.sqrt(2 * Math.PI));
}

/** The result of a training in words. */
export function describeResult({ run, epochs, bestEpoch, test, seconds }: TrainingDone, config: Config): string {
  const stopped = epochs < config.epochs ? `, none better in ${plural(config.patience, "epoch")}` : "";
  return [
    `Test ${formatElbo(test, config)}`,
    `with the weights of epoch ${bestEpoch}, the best on the validation images${stopped}; ${formatTime(seconds)} in all`,
    `${run} holds the weights, metrics.jsonl and pictures/: see progress.png first`,
  ].join("\n");
}

/** The command that resumes a run. */
export function resumeCommand(io: Io, folder: string): string {
  return `${programName(io)} train --resume ${quote(folder)}`;
}

/** npm start does not need vae on the PATH. */
function programName({ env }: Io): string {
  return env.npm_lifecycle_event === "start" ? "npx vae" : "vae";
}

/** Quotes a word for a shell. */
function quote(word: string): string {
  if (word.startsWith("-")) return quote(`./${word}`);
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** 2:07 or 1:02:07 */
function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60) % 60;
  const ending = String(whole % 60).padStart(2, "0");
  if (whole < 3600) return `${minutes}:${ending}`;
  return `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${ending}`;
}
