// What vae train shows while it trains.
import type { Config, EpochReport, Progress, TrainingStart, TrainingSummary } from "../index.js";
import { describePixels, objectiveName } from "../index.js";
import { colourOf } from "./colour.js";
import type { Io } from "./io.js";
import { barWidth, createBar, formatElbo, formatNats, formatTime, note, plural } from "./output.js";

/** What stands beside the bar, at its widest. */
const STATUS_WIDTH = 78;

/** A table on stderr, a line an epoch, and on a terminal a bar below it. */
export class TrainingScreen {
  readonly config: Config;
  readonly #io: Io;
  #isSlow: boolean;
  /** −log p(x) of a model that has every pixel half white, at most: nats. A nat per pixel worse is no slow start any more. */
  readonly #worst: number;
  readonly #barWidth: number;
  readonly #bar: ReturnType<typeof createBar>;

  constructor(io: Io, { run, config, images, skipped, parameters, pixels, shortfall, resumed }: TrainingStart) {
    this.#io = io;
    this.#barWidth = barWidth(io, STATUS_WIDTH);
    this.#bar = createBar(io, "{label} {bar} {status}", this.#barWidth);
    this.config = config;
    const { likelihood, pixelSigma } = config;
    const half =
      likelihood === "bernoulli"
        ? Math.log(2)
        : 0.125 / pixelSigma ** 2 + Math.log(pixelSigma * Math.sqrt(2 * Math.PI));
    this.#worst = pixels * (half + 1);
    const count = (number: number) => number.toLocaleString("en");
    note(
      io,
      `${config.dataset}: ${count(images.train)} images to train, ${count(images.validation)} to validate, ` +
        `${count(images.test)} to test; ${describePixels(config)}`,
    );
    if (skipped > 0) note(io, `${plural(skipped, "image file")} left out; vae data says which and why.`);
    const { dimZ, nHidden } = config;
    note(
      io,
      `${run}: ${[...nHidden, dimZ].join("-")} units, ${count(parameters)} parameters, engine ${config.engine}, ` +
        plural(config.threads, "thread"),
    );
    if (resumed) {
      const { epoch, step, isFinished } = resumed;
      if (epoch > config.epochs) note(io, "It is finished. More epochs: --epochs");
      else if (isFinished) note(io, `It is finished: patience ended it after epoch ${epoch - 1}.`);
      else
        note(
          io,
          step === 0
            ? `Goes on with epoch ${epoch}.`
            : `Goes on in epoch ${epoch}, after ${plural(step, "step")} of it.`,
        );
    }
    if (shortfall) note(io, `Engine ${config.engine} was taken since ${shortfall}.`);
    this.#isSlow = config.engine !== "compiled";
    const objective = `−${objectiveName(config)}`;
    this.#row("epoch", objective, "reconstruction", "KL", `validation ${objective}`, "images/s");
  }

  progress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: Progress): void {
    // Not after the very first step, which takes longer than the others.
    if (this.#isSlow && epoch * step > 1) {
      note(this.#io, `This run will take about ${formatTime(secondsLeft)}.`);
      this.#isSlow = false;
    }
    if (!this.#bar) return;
    const label = this.#number(epoch);
    const status =
      `−${objectiveName(this.config)} ${formatNats(-train.objective, 1)}  reconstruction ${formatNats(train.reconstruction, 1)}  ` +
      `KL ${formatNats(train.kl, 1)}  ${Math.round(imagesPerSecond)} images/s  ${formatClock(secondsLeft)} left`;
    // Cut to the terminal's width: a line that wraps cannot be drawn over.
    const shown = status.slice(0, Math.max(0, (this.#io.stderr.columns ?? 80) - label.length - this.#barWidth - 3));
    if (!this.#bar.isActive) this.#bar.start(steps, step, { label, status: shown });
    this.#bar.update(step, { label, status: shown });
  }

  epoch({ epoch, train, validation, isBest, imagesPerSecond }: EpochReport): void {
    this.stop();
    const numbers = [-train.objective, train.reconstruction, train.kl, -validation.objective].map((nats) =>
      formatNats(nats),
    );
    numbers[3] += isBest ? " best" : "     ";
    this.#row(this.#number(epoch), ...numbers, String(Math.round(imagesPerSecond)));
    if (-validation.objective > this.#worst) {
      note(
        this.#io,
        `This is far worse than a grey picture: the training does not learn. Try a smaller learningRate than ${this.config.learningRate}.`,
      );
    }
  }

  /** What to do next; `folder` is the run's if it was named. */
  end(folder: string | undefined): void {
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

/** The result of a training. */
export function describeSummary({ run, epochs, bestEpoch, test, seconds }: TrainingSummary, config: Config): string {
  const stopped = epochs < config.epochs ? `, none better in ${plural(config.patience, "epoch")}` : "";
  return [
    `Test ${formatElbo(test, config)}`,
    `with the weights of epoch ${bestEpoch}, the best on the validation images${stopped}; ${formatTime(seconds)} in all`,
    `${run} holds the weights, metrics.jsonl and pictures/: see progress.png first`,
  ].join("\n");
}

/** How to go on with a run. */
export function resumeCommand(io: Io, folder: string): string {
  return `${programName(io)} train --resume ${quote(folder)}`;
}

/** Under npm start there need be no vae on the PATH. */
function programName({ env }: Io): string {
  return env.npm_lifecycle_event === "start" ? "npx vae" : "vae";
}

/** A word as a shell takes it. */
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
