// Shows a training in the terminal.
import {
  type Config,
  describePixels,
  greyNats,
  type LoadedModel,
  objectiveName,
  type TrainingChunk,
  type TrainingDone,
  type TrainingEpoch,
  type TrainingStart,
} from "../index.js";
import { visible } from "../wording.js";
import { colourOf, type Io } from "./io.js";
import { barWidth, createBar, formatCount, formatElbo, formatNats, formatTime, note, plural } from "./output.js";

/** The longest status next to the bar. */
const STATUS_WIDTH = 78;

export type TrainingScreen = ReturnType<typeof openScreen>;

/** Shows a table on stderr, a line for each epoch, and on a terminal a bar below it. */
export function openScreen(io: Io, start: TrainingStart) {
  const { config } = start;
  const objective = `−${objectiveName(config)}`;
  const width = barWidth(io, STATUS_WIDTH);
  const bar = createBar(io, "{label} {bar} {status}", width);
  let isSlow = config.engine !== "compiled";

  const number = (epoch: number) => `${String(epoch).padStart(String(config.epochs).length)}/${config.epochs}`;
  const widths = [Math.max(5, number(0).length), Math.max(8, objective.length), 15, 7];
  widths.push(Math.max(17, objective.length + 11), 9);
  const writeRow = (...cells: string[]) => {
    const row = cells.map((cell, i) => cell.padStart(widths[i])).join(" ");
    io.stderr.write(`${visible(row).replace("best", colourOf(io).green("best"))}\n`);
  };

  note(io, describeImages(start));
  noteData(io, start);
  for (const line of describeRun(start)) note(io, line);
  const few = hintAtFewSteps(start);
  if (few) note(io, few);
  const hint = createHint(config);
  writeRow("epoch", objective, "reconstruction", "KL", `validation ${objective}`, "images/s");

  return {
    showProgress({ epoch, step, steps, train, imagesPerSecond, secondsLeft }: TrainingChunk): void {
      // Not after the first step, which takes longer than the others.
      if (isSlow && epoch * step > 1) {
        note(io, `This run will take about ${formatTime(secondsLeft)}.`);
        isSlow = false;
      }
      if (!bar) return;
      const label = number(epoch);
      const status = [
        `${objective} ${formatNats(-train.objective, 1)}`,
        `reconstruction ${formatNats(train.reconstruction, 1)}`,
        `KL ${formatNats(train.kl, 1)}`,
        `${Math.round(imagesPerSecond)} images/s`,
        `${formatClock(secondsLeft)} left`,
      ].join("  ");
      // Cut to the terminal's width: a wrapped line cannot be redrawn.
      const room = (io.stderr.columns ?? 80) - label.length - width - 3;
      const shown = { label, status: status.slice(0, Math.max(0, room)) };
      if (!bar.isActive) bar.start(steps, step, shown);
      bar.update(step, shown);
    },

    showEpoch({ epoch, train, validation, isBest, imagesPerSecond }: TrainingEpoch): void {
      bar?.stop();
      const trained = [-train.objective, train.reconstruction, train.kl].map((nats) => formatNats(nats));
      const validated = `${formatNats(-validation.objective)} ${isBest ? "best" : "    "}`;
      writeRow(number(epoch), ...trained, validated, String(Math.round(imagesPerSecond)));
      const text = hint(epoch, train.objective);
      if (text) note(io, text);
    },

    stop: () => bar?.stop(),
  };
}

/** Notes what is wrong with the data or how they are read, with --quiet too. */
export function noteData(io: Io, { notes, skipped }: TrainingStart): void {
  for (const line of notes) note(io, line);
  if (skipped > 0) note(io, `${plural(skipped, "image file")} left out; vae data says which and why.`);
}

/** Notes that a training does not learn, with --quiet too. */
export function noteDivergence(io: Io, { config, pixels }: TrainingStart, { validation }: TrainingEpoch): void {
  // nats: worse than a model for which every pixel is half white, by a nat for each pixel
  const worst = greyNats(config, pixels) + pixels;
  if (-validation.objective <= worst) return;
  const problem = "This is far worse than a grey picture: the training does not learn.";
  note(io, `${problem} Try a smaller --learning-rate than ${config.learningRate}.`);
}

/** Fewer weight updates than this leave a model near its first weights. */
export const FEW_STEPS = 300;

/** A hint at a training that is too short to learn much, or that has too few images. */
export function hintAtFewSteps({ config, images, resumed }: TrainingStart): string | undefined {
  const { batchSize, epochs } = config;
  const perEpoch = Math.floor(images.train / batchSize);
  if (resumed || perEpoch * epochs >= FEW_STEPS) return undefined;
  const total = plural(perEpoch * epochs, "step");
  const needed = Math.ceil(FEW_STEPS / perEpoch);
  return `${total} in all are few for a model to learn from. More epochs help, such as --epochs ${needed}.`;
}

/** A hint at samples of weights that were hardly trained. */
export function hintAtEarlyWeights(io: Io, { folder, metadata }: LoadedModel): string | undefined {
  const { dir, config } = folder;
  const { batchSize, epochs } = config.settings;
  const perEpoch = Math.floor(config.data.train / batchSize);
  const steps = perEpoch * Number(metadata.epoch);
  if (!(steps < FEW_STEPS)) return undefined; // also if a file of another program says no epoch
  const needed = Math.max(epochs + 1, Math.ceil(FEW_STEPS / perEpoch));
  const more = `${resumeCommand(io, dir)} --epochs ${needed}`;
  return `These weights have seen ${plural(steps, "step")} of training, so images are rough. Train on: ${more}`;
}

/** An objective that has not grown since the first epoch by this epoch does not improve. */
const PATIENCE = 3;

/** Gives a hint, once, at a training objective that does not improve. */
export function createHint({ learningRate }: Pick<Config, "learningRate">) {
  let first: number | undefined;
  let hasImproved = false;
  return (epoch: number, objective: number): string | undefined => {
    first ??= objective;
    if (objective > first + 1e-3 * Math.abs(first)) hasImproved = true;
    if (hasImproved || epoch !== PATIENCE) return undefined;
    return `The objective has not improved since the first epoch. Try another --learning-rate than ${learningRate}.`;
  };
}

/** Says what to do next. @param folder the run's, if it was named */
export function suggest(io: Io, folder: string | undefined, { conditional }: Config): void {
  const vae = programName(io);
  const which = folder === undefined ? "" : ` --run ${quote(folder)}`;
  note(io, "Next:");
  note(io, `  ${vae} reconstruct${which}    reconstructions of test images`);
  note(io, `  ${vae} sample${which}         new images`);
  if (conditional) note(io, `  ${vae} sample${which} --by-class    new images of each class`);
}

function describeImages({ config, images, classes }: TrainingStart): string {
  const [train, validation, test] = [images.train, images.validation, images.test].map(formatCount);
  const counts = `${train} images to train, ${validation} to validate, ${test} to test`;
  const labels = classes === undefined ? "" : `; labels of ${plural(classes, "class")}`;
  return `${config.dataset}: ${counts}; ${describePixels(config)}${labels}`;
}

/** Lines about a training that begins or continues. */
function describeRun({ run, config, parameters, preset, fallbackReason, resumed }: TrainingStart): string[] {
  const { batchSize, engine, epochs, threads } = config;
  const pace = `${plural(epochs, "epoch")} in batches of ${batchSize}`;
  return [
    `${run}: ${describeNetwork(config)}, ${formatCount(parameters)} parameters, engine ${engine}, ` +
      plural(threads, "thread"),
    ...(preset ? [`Settings for photos, ${pace}: --preset ${preset}, the default for these images.`] : []),
    ...(resumed ? [describeResumed(resumed, config)] : []),
    ...(fallbackReason ? [`Using engine ${engine}: ${fallbackReason}.`] : []),
  ];
}

/** 500-500-2 units, or 32-64 filters, 256-32 units */
function describeNetwork({ network, nHidden, filters, denseUnits, dimZ }: Config): string {
  if (network === "mlp") return `${[nHidden, dimZ].flat().join("-")} units`;
  return `${filters.join("-")} filters, ${[denseUnits, dimZ].flat().join("-")} units`;
}

function describeResumed({ epoch, step, isFinished }: NonNullable<TrainingStart["resumed"]>, { epochs }: Config) {
  if (epoch > epochs) return "This run is finished. More epochs: --epochs";
  if (isFinished) return `This run is finished: it stopped early after epoch ${epoch - 1}.`;
  return step === 0 ? `Resuming at epoch ${epoch}.` : `Resuming in epoch ${epoch}, after ${plural(step, "step")}.`;
}

/** The result of a training in words. */
export function describeResult({ run, epochs, bestEpoch, test, seconds }: TrainingDone, config: Config): string[] {
  const stopped = epochs < config.epochs ? `, none better in ${plural(config.patience, "epoch")}` : "";
  return [
    `Test ${formatElbo(test, config)}`,
    `with the weights of epoch ${bestEpoch}, the best on the validation images${stopped}; ` +
      `${formatTime(seconds)} in all`,
    `${run} holds the weights, metrics.jsonl and pictures/: see progress.png first`,
  ];
}

/** The command that resumes a run. */
export function resumeCommand(io: Io, folder: string): string {
  return `${programName(io)} train --resume ${quote(folder)}`;
}

/** npm start does not need vae on the PATH. */
function programName({ env }: Io): string {
  return env.npm_lifecycle_event === "start" ? "npx vae" : "vae";
}

/** Quotes a word for a shell. Hidden characters become \U0000001b in $'…', which bash and zsh read. */
export function quote(word: string): string {
  if (word.startsWith("-")) return quote(`./${word}`);
  if (/^[\w./-]+$/.test(word)) return word;
  if (isPlain(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const code = (character: string) => `\\U${character.codePointAt(0)?.toString(16).padStart(8, "0")}`;
  const coded = [...word].map((character) =>
    isPlain(character) && !/[\\']/.test(character) ? character : code(character),
  );
  return `$'${coded.join("")}'`;
}

/** A backquote would begin the name of a setting: see `withFlags`. */
function isPlain(text: string): boolean {
  return visible(text) === text && !text.includes("`");
}

/** 2:07 or 1:02:07 */
function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60) % 60;
  const ending = String(whole % 60).padStart(2, "0");
  if (whole < 3600) return `${minutes}:${ending}`;
  return `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${ending}`;
}
