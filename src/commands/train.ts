// vae train
import chalk from "chalk";
import type { SingleBar } from "cli-progress";
import { Command, Option } from "commander";
import type { Config } from "../config.js";
import type { EpochReport, Progress, TrainingStart, TrainingSummary } from "../index.js";
import { example, formatElbo, formatNats, note, print, runOption, settingOption } from "./shared.js";

type TrainFlags = Omit<Config, "noise"> & { noise?: true; run?: string; json?: true; quiet?: true };

export function trainCommand(): Command {
  return new Command("train")
    .description("train a variational autoencoder, and draw what it makes after every epoch")
    .addOption(settingOption("dataset", "mnist|folder"))
    .addOption(settingOption("epochs", "count"))
    .addOption(settingOption("batchSize", "count"))
    .addOption(settingOption("learningRate", "number"))
    .addOption(settingOption("dimZ", "count"))
    .addOption(settingOption("nHidden", "count"))
    .addOption(settingOption("keepProb", "number"))
    .addOption(new Option("--noise", "train a denoiser: the encoder sees salt-and-pepper noise, the target is clean"))
    .addOption(settingOption("seed", "number"))
    .addOption(settingOption("engine", "auto|compiled|wasm|cpu"))
    .addOption(settingOption("threads", "count"))
    .addOption(runOption("folder to make for the run (default: runs/<dataset>-z<dim>-<date>-<time>)"))
    .addOption(new Option("--json", "print the result as one JSON value"))
    .addOption(new Option("--quiet", "print the result alone"))
    .addHelpText(
      "after",
      example("vae train --epochs 20 --dim-z 2", "vae train --dim-z 20 --noise --run runs/denoiser"),
    )
    .action(run);
}

async function run({ noise, run: folder, json, quiet, ...settings }: TrainFlags): Promise<void> {
  const { train } = await import("../index.js");
  const screen = quiet ? undefined : await createScreen(settings.epochs);
  const epochs = train(
    { ...settings, noise: noise ? "salt-pepper" : "none" },
    {
      run: folder,
      onStart: (start) => screen?.start(start),
      onProgress: (progress) => screen?.progress(progress),
    },
  );
  try {
    let next = await epochs.next();
    for (; !next.done; next = await epochs.next()) screen?.epoch(next.value);
    print(json ? JSON.stringify(next.value) : describe(next.value, folder));
  } finally {
    screen?.stop();
  }
}

function describe({ run, bestEpoch, test, seconds }: TrainingSummary, folder: string | undefined): string {
  // Under npm start there need be no vae on the PATH.
  const vae = process.env.npm_lifecycle_event === "start" ? "npx vae" : "vae";
  const which = folder === undefined ? "" : ` --run ${folder}`;
  return [
    `Test ${formatElbo(test)}`,
    `with the weights of epoch ${bestEpoch}, the best on the validation images; ${formatTime(seconds)} in all`,
    `${run} holds the weights, metrics.jsonl and pictures/: see progress.png first`,
    "Next:",
    `  ${vae} reconstruct${which}    reconstructions of test images`,
    `  ${vae} sample${which}         new images`,
  ].join("\n");
}

async function createScreen(epochs: number): Promise<Screen> {
  if (!process.stderr.isTTY) return new Screen(epochs, undefined);
  const { SingleBar } = await import("cli-progress"); // here, so that vae --help does not wait for it
  const bar = new SingleBar({
    format: "{label} {bar} {status}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: Math.max(4, Math.min(30, process.stderr.columns - STATUS_WIDTH)),
    hideCursor: null,
    clearOnComplete: true,
    stream: process.stderr,
  });
  return new Screen(epochs, bar);
}

/** What stands beside the bar, at its widest. */
const STATUS_WIDTH = 78;

/** A table on stderr, a line an epoch, and on a terminal a bar below it. */
class Screen {
  #wasmNotice: string | undefined;

  constructor(
    readonly epochs: number,
    readonly bar: SingleBar | undefined,
  ) {}

  start({ run, config, images, parameters, shortfall }: TrainingStart): void {
    const count = (number: number) => number.toLocaleString("en");
    const threads = `${config.threads} thread${config.threads === 1 ? "" : "s"}`;
    note(
      `${config.dataset}: ${count(images.train)} images to train, ${count(images.validation)} to validate, ` +
        `${count(images.test)} to test`,
    );
    note(`${run}: ${count(parameters)} parameters, engine ${config.engine}, ${threads}`);
    if (shortfall) this.#wasmNotice = `engine wasm, since ${shortfall}`;
    this.#row("epoch", "−ELBO", "reconstruction", "KL", "validation −ELBO", "images/s");
  }

  progress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: Progress): void {
    // Not after the first step, which is slow: programs are compiled and memory is taken.
    if (this.#wasmNotice && step > 1) {
      note(`${this.#wasmNotice}: this run will take about ${formatTime(secondsLeft)}`);
      this.#wasmNotice = undefined;
    }
    if (!this.bar) return;
    const label = this.#number(epoch);
    const status =
      `−ELBO ${formatNats(-train.elbo, 1)}  reconstruction ${formatNats(train.reconstruction, 1)}  ` +
      `KL ${formatNats(train.kl, 1)}  ${Math.round(imagesPerSecond)} images/s  ${formatClock(secondsLeft)} left`;
    if (!this.bar.isActive) this.bar.start(steps, step, { label, status });
    this.bar.update(step, { label, status });
  }

  epoch({ epoch, train, validation, isBest, imagesPerSecond }: EpochReport): void {
    this.stop();
    const numbers = [-train.elbo, train.reconstruction, train.kl, -validation.elbo].map((nats) => formatNats(nats));
    numbers[3] += isBest ? " best" : "     ";
    this.#row(this.#number(epoch), ...numbers, String(Math.round(imagesPerSecond)));
  }

  stop(): void {
    this.bar?.stop();
  }

  #number(epoch: number): string {
    return `${String(epoch).padStart(String(this.epochs).length)}/${this.epochs}`;
  }

  #row(...cells: string[]): void {
    const widths = [Math.max(5, 2 * String(this.epochs).length + 1), 9, 16, 8, 18, 10];
    const row = cells.map((cell, i) => cell.padStart(widths[i])).join("");
    process.stderr.write(`${row.replace("best", chalk.green("best"))}\n`);
  }
}

function formatTime(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** 2:07 or 1:02:07 */
function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
