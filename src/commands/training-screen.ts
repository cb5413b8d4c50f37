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
import { barWidth, createBar, formatElbo, formatNats, formatTime, note, plural } from "./output.js";

/** The status beside the bar, at its widest. */
const STATUS_WIDTH = 78;

/** A table on stderr, a line for each epoch, and on a terminal a bar below it. */
export class TrainingScreen {
  readonly config: Config;
  readonly #io: Io;
  #isSlow: boolean;
  /** nats: worse than a model for which every pixel is half white, by a nat for each pixel. */
  readonly #worst: number;
  readonly #barWidth: number;
  readonly #bar: ReturnType<typeof createBar>;

  constructor(io: Io, start: TrainingStart) {
    const { config, pixels } = start;
    this.#io = io;
    this.config = config;
    this.#barWidth = barWidth(io, STATUS_WIDTH);
    this.#bar = createBar(io, "{label} {bar} {status}", this.#barWidth);
    this.#worst = pixels * (halfWhite(config) + 1);
    this.#isSlow = config.engine !== "compiled";
    for (const line of describeStart(start)) note(io, line);
    const objective = `−${objectiveName(config)}`;
    this.#row("epoch", objective, "reconstruction", "KL", `validation ${objective}`, "images/s");
  }

  showProgress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: TrainingChunk): void {
    // Not after the first step, which takes longer than the others.
    if (this.#isSlow && epoch * step > 1) {
      note(this.#io, `This run will take about ${formatTime(secondsLeft)}.`);
      this.#isSlow = false;
    }
    if (!this.#bar) return;
    const label = this.#number(epoch);
    const status =
      `−${objectiveName(this.config)} ${formatNats(-train.objective, 1)}  reconstruction ${formatNats(train.reconstruction, 1)}  ` +
      `KL ${formatNats(train.kl, 1)}  ${Math.round(imagesPerSecond)} images/s  ${formatClock(secondsLeft)} left`;
    // Cut to the terminal's width: a wrapped line cannot be redrawn.
    const shown = status.slice(0, Math.max(0, (this.#io.stderr.columns ?? 80) - label.length - this.#barWidth - 3));
    if (!this.#bar.isActive) this.#bar.start(steps, step, { label, status: shown });
    this.#bar.update(step, { label, status: shown });
  }

  showEpoch({ epoch, train, validation, isBest, imagesPerSecond }: TrainingEpoch): void {
    this.stop();
    const numbers = [-train.objective, train.reconstruction, train.kl, -validation.objective].map((nats) =>
      formatNats(nats),
    );
    numbers[3] += isBest ? " best" : "     ";
    this.#row(this.#number(epoch), ...numbers, String(Math.round(imagesPerSecond)));
    if (-validation.objective > this.#worst) {
      note(
        this.#io,
        `This is far worse than a grey picture: the training does not learn. Try a smaller --learning-rate than ${this.config.learningRate}.`,
      );
    }
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
    const { epochs } = this.config;
    return `${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  }

  #row(...cells: string[]): void {
    const objective = objectiveName(this.config).length + 1;
    const number = 2 * String(this.config.epochs).length + 1;
    const widths = [Math.max(5, number), Math.max(8, objective), 15, 7, Math.max(17, objective + 11), 9];
    const row = cells.map((cell, i) => cell.padStart(widths[i])).join(" ");
    this.#io.stderr.write(`${row.replace("best", colourOf(this.#io).green("best"))}\n`);
  }
}

/** Lines about a training that begins or continues. */
function describeStart({ run, config, images, skipped, parameters, fallbackReason, resumed }: TrainingStart): string[] {
  const { dimZ, nHidden } = config;
  const count = (number: number) => number.toLocaleString("en");
  return [
    `${config.dataset}: ${count(images.train)} images to train, ${count(images.validation)} to validate, ` +
      `${count(images.test)} to test; ${describePixels(config)}`,
    ...(skipped > 0 ? [`${plural(skipped, "image file")} left out; vae data says which and why.`] : []),
    `${run}: ${[...nHidden, dimZ].join("-")} units, ${count(parameters)} parameters, engine ${config.engine}, ` +
      plural(config.threads, "thread"),
    ...(resumed ? [describeResumed(resumed, config)] : []),
    ...(fallbackReason ? [`Using engine ${config.engine}: ${fallbackReason}.`] : []),
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

/** The result of a training as JSON. */
export function encodeResult({ type, ...result }: TrainingDone): string {
  return JSON.stringify(result);
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
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
