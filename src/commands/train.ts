// vae train
import { Command, Option } from "commander";
import type { Config } from "../config.js";
import { example, runOption, settingOption } from "./flags.js";

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
  const [{ train }, { describeSummary, TrainingScreen }, { print }] = await Promise.all([
    import("../index.js"),
    import("./training-screen.js"),
    import("./output.js"),
  ]);
  const screen = quiet ? undefined : new TrainingScreen(settings.epochs);
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
    print(json ? JSON.stringify(next.value) : describeSummary(next.value));
    screen?.end(folder);
  } finally {
    screen?.stop();
  }
}
