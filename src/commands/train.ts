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
    `Test ${formatElbo(test)} with the best weights, those of epoch ${bestEpoch}, after ${formatTime(seconds)}`,
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
    barsize: 10,
    hideCursor: null,
    clearOnComplete: true,
    stream: process.stderr,
  });
  return new Screen(epochs, bar);
}

/** Lines on stderr, and on a terminal a bar below them. */
class Screen {
  #wasmNotice: string | undefined;

  constructor(
    readonly epochs: number,
    readonly bar: SingleBar | undefined,
  ) {}

  start({ run, config, images, parameters, shortfall }: TrainingStart): void {
    const count = (number: number) => number.toLocaleString("en");
    note(
      `${config.dataset}: ${count(images.train)} images to train, ${count(images.validation)} to validate, ` +
        `${count(images.test)} to test; ${count(parameters)} parameters; engine ${config.engine}, ` +
        `${config.threads} thread${config.threads === 1 ? "" : "s"}; ${run}`,
    );
    if (shortfall) this.#wasmNotice = `engine wasm, since ${shortfall}`;
  }

  progress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: Progress): void {
    if (this.#wasmNotice && step > 1) {
      note(`${this.#wasmNotice}: this run will take about ${formatTime(secondsLeft)}`);
      this.#wasmNotice = undefined;
    }
    if (!this.bar) return;
    const label = `epoch ${epoch}/${this.epochs}`;
    const status =
      `−ELBO ${formatNats(-train.elbo, 1)}, reconstruction ${formatNats(train.reconstruction, 1)}, ` +
      `KL ${formatNats(train.kl, 1)}, ${Math.round(imagesPerSecond)} images/s, ${formatTime(secondsLeft)} left`;
    if (!this.bar.isActive) this.bar.start(steps, step, { label, status });
    this.bar.update(step, { label, status });
  }

  epoch({ epoch, train, validation, isBest, imagesPerSecond }: EpochReport): void {
    this.stop();
    const number = String(epoch).padStart(String(this.epochs).length);
    process.stderr.write(
      `epoch ${number}/${this.epochs}  train −ELBO ${formatNats(-train.elbo)} ` +
        `(reconstruction ${formatNats(train.reconstruction)}, KL ${formatNats(train.kl)})  ` +
        `validation −ELBO ${formatNats(-validation.elbo)}${isBest ? chalk.green(" best") : "     "}  ` +
        `${Math.round(imagesPerSecond)} images/s\n`,
    );
  }

  stop(): void {
    this.bar?.stop();
  }
}

function formatTime(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}
