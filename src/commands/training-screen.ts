// Shows a training in the terminal.
import {
  type Config,
  describePixels,
  greyNats,
  hasBound,
  objectiveName,
  type TrainingChunk,
  type TrainingDone,
  type TrainingEpoch,
  type TrainingStart,
} from "../index.js";
import { quotePath } from "../shell.js";
import { visible } from "../wording.js";
import { createHint, hintAtFewSteps } from "./hints.js";
import { colourOf, type Io, widthOf } from "./io.js";
import {
  describeFallback,
  drawBar,
  formatCount,
  formatElbo,
  formatNats,
  formatTime,
  note,
  objectiveTitle,
  plural,
  progressLine,
} from "./output.js";
import { programName } from "./program.js";

/** Minimum length of the progress bar. A narrow terminal shows fewer numbers instead. */
const MIN_BAR = 10;

/** The first chunk of steps that shows the time left. The first chunk compiles, the second is short. */
const TIMED_CHUNK = 3;

/** A compiled training that takes longer is announced once its speed is stable. */
const LONG_SECONDS = 600;
const SETTLED_MILLISECONDS = 10_000;

export type TrainingScreen = ReturnType<typeof openScreen>;

/** Notes, each once. */
export type Notes = ReturnType<typeof notesOnce>;

/** Writes each note to stderr only once: the runs of a group share most notes. */
export function notesOnce(io: Io): (text: string) => void {
  const noted = new Set<string>();
  return (text) => {
    if (!noted.has(text)) note(io, text);
    noted.add(text);
  };
}

/** Shows a table on stderr, a line for each epoch, and on a terminal a progress bar below. */
export function openScreen(io: Io, start: TrainingStart, noteOnce = notesOnce(io)) {
  const { config } = start;
  const line = progressLine(io);
  const begun = performance.now();
  let chunks = 0;
  const isSlow = ({ secondsLeft }: TrainingChunk) =>
    config.engine === "compiled"
      ? performance.now() - begun > SETTLED_MILLISECONDS && secondsLeft > LONG_SECONDS
      : chunks > 1;
  let isAnnounced = false;

  const number = (epoch: number) => formatEpoch(epoch, config);
  const title = objectiveTitle(config);
  const ofBound = (...cells: string[]) => (hasBound(config) ? cells : []);
  const head = ["epoch", title, ...ofBound("reconstruction", "KL"), `validation ${title}`, "images/s"];
  const natsWidth = widthOfNats(start.pixels);
  const least = [number(0).length, natsWidth, ...(hasBound(config) ? [15, 7] : []), 17, 9];
  const writeRow = (...cells: string[]) => {
    const row = cells.map((cell, i) => cell.padStart(Math.max(head[i].length, least[i]))).join(" ");
    io.stderr.write(`${visible(row).replace("best", colourOf(io).green("best"))}\n`);
  };

  noteOnce(describeImages(start));
  noteData(start, noteOnce);
  for (const text of describeRun(start)) noteOnce(text);
  if (title === "−objective") noteOnce(`The objective is ${objectiveName(config)}.`);
  const few = hintAtFewSteps(start);
  if (few) noteOnce(few);
  const hint = createHint(config);
  if (!start.resumed?.isFinished) writeRow(...head);

  return {
    showProgress(chunk: TrainingChunk): void {
      chunks++;
      if (!isAnnounced && isSlow(chunk)) {
        line?.stop();
        note(io, `This run will take about ${formatTime(chunk.secondsLeft)}.`);
        isAnnounced = true;
      }
      line?.show(describeProgress(io, start, chunk, chunks >= TIMED_CHUNK));
    },

    showEpoch({ epoch, train, validation, isBest, imagesPerSecond }: TrainingEpoch): void {
      line?.stop();
      const terms = ofBound(formatNats(train.reconstruction), formatNats(train.kl));
      const validated = `${formatNats(-validation.objective)} ${isBest ? "best" : "    "}`;
      writeRow(number(epoch), formatNats(-train.objective), ...terms, validated, String(Math.round(imagesPerSecond)));
      const text = hint(epoch, train.objective);
      if (text) note(io, text);
    },

    stop: () => line?.stop(),
  };
}

/** Notes about the data, also shown with --quiet: how they are read, and skipped files. */
export function noteData({ notes, skipped }: TrainingStart, noteOnce: Notes): void {
  for (const text of notes) noteOnce(text);
  if (skipped > 0) noteOnce(`${plural(skipped, "image file")} skipped; vae data lists them.`);
}

/** A hint if the model is worse than a constant prediction. */
export function hintAtDivergence({ config, pixels }: TrainingStart, { validation }: TrainingEpoch): string | undefined {
  // 1 nat per pixel worse than a model that predicts half white everywhere
  const worst = greyNats(config, pixels) + pixels;
  if (-validation.objective <= worst) return undefined;
  return `The model is far worse than a grey picture: try a smaller --learning-rate than ${config.learningRate}.`;
}

/** Suggests the next commands. @param folder of the run, if it was named */
export function suggest(io: Io, folder: string | undefined, { conditional }: Config): void {
  const vae = programName(io);
  const which = folder === undefined ? "" : ` --run ${quotePath(folder)}`;
  const commands = [
    [`${vae} reconstruct${which}`, "reconstructions of test images"],
    [`${vae} sample${which}`, "new images"],
    ...(conditional ? [[`${vae} sample${which} --by-class`, "new images of each class"]] : []),
  ];
  const width = Math.max(...commands.map(([command]) => command.length));
  note(io, "Next:");
  for (const [command, what] of commands) note(io, `  ${command.padEnd(width)}    ${what}`);
}

function describeImages({ config, images, shape, classes }: TrainingStart): string {
  const [train, validation, test] = [images.train, images.validation, images.test].map(formatCount);
  const size = `${shape.width}×${shape.height}`;
  const counts = `${train} images of ${size} to train, ${validation} to validate, ${test} to test`;
  const labels = classes === undefined ? "" : `; labels of ${plural(classes, "class")}`;
  return `${config.dataset}: ${counts}; ${describePixels(config)}${labels}`;
}

/** Lines about the model, engine and start of a training. */
function describeRun({ run, config, parameters, preset, fallbackReason, processes, resumed }: TrainingStart): string[] {
  const { batchSize, device, engine, epochs, threads } = config;
  const pace = `${plural(epochs, "epoch")} in batches of ${batchSize}`;
  const together = processes ? ` in each of ${processes.count} processes on ${plural(processes.hosts, "host")}` : "";
  return [
    `${run}: ${describeNetwork(config)}, ${formatCount(parameters)} parameters, engine ${engine}, ` +
      `${device === "gpu" ? "the GPU" : plural(threads, "thread")}${together}`,
    ...(preset ? [`Settings for photos (--preset ${preset}, the default for these images); ${pace}.`] : []),
    ...(resumed ? [describeResumed(resumed, config)] : []),
    ...(fallbackReason ? [describeFallback(engine, fallbackReason)] : []),
  ];
}

/** A bar and the numbers that fit the terminal, padded so that the bar keeps its width. */
function describeProgress(
  io: Io,
  { config, pixels }: TrainingStart,
  { epoch, step, steps, train, imagesPerSecond, secondsLeft }: TrainingChunk,
  isTimed: boolean,
): string {
  const width = widthOfNats(pixels);
  const nats = (value: number, width: number) => formatNats(value, 1).padStart(width);
  const objective = `${objectiveTitle(config)} ${nats(-train.objective, width - 1)}`;
  const terms = [`reconstruction ${nats(train.reconstruction, width)}`, `KL ${nats(train.kl, 6)}`];
  const speed = `${String(Math.round(imagesPerSecond)).padStart(6)} images/s`;
  const left = (isTimed ? `${formatClock(secondsLeft)} left` : "").padStart(12);
  const choices = [
    [objective, ...(hasBound(config) ? terms : []), speed, left],
    [objective, speed, left],
    [objective, left],
  ];
  const label = formatEpoch(epoch, config);
  const texts = choices.map((parts) => parts.join("  "));
  const fits = (text: string) => label.length + text.length + MIN_BAR + 2 < widthOf(io.stderr);
  const text = texts.find(fits) ?? texts[texts.length - 1];
  return `${label} ${drawBar(io, label.length + text.length + 2, step / steps)} ${text}`;
}

function formatEpoch(epoch: number, { epochs }: Config): string {
  return `${String(epoch).padStart(String(epochs).length)}/${epochs}`;
}

/** Characters of an objective in nats, such as −12345.67. */
function widthOfNats(pixels: number): number {
  return Math.max(8, String(5 * pixels).length + 4); // 8-bit pixels start at about 5 nats each
}

/** 500-500-2 units, or 32-64 filters, 256-32 units */
function describeNetwork({ network, nHidden, filters, denseUnits, dimZ }: Config): string {
  if (network === "mlp") return `${[nHidden, dimZ].flat().join("-")} units`;
  return `${filters.join("-")} filters, ${[denseUnits, dimZ].flat().join("-")} units`;
}

function describeResumed({ epoch, step, isFinished }: NonNullable<TrainingStart["resumed"]>, { epochs }: Config) {
  if (epoch > epochs) return "This run is finished: give more --epochs to train it further.";
  if (isFinished) return `This run is finished: it stopped early after epoch ${epoch - 1}.`;
  return step === 0 ? `Resuming at epoch ${epoch}.` : `Resuming in epoch ${epoch}, after ${plural(step, "step")}.`;
}

/** The result of a training, as lines. */
export function describeResult({ run, epochs, bestEpoch, test, seconds }: TrainingDone, config: Config): string[] {
  const stopped = epochs < config.epochs ? `, none better in ${plural(config.patience, "epoch")}` : "";
  return [
    `Test ${formatElbo(test, config)}`,
    `with the weights of epoch ${bestEpoch}, the best on the validation images${stopped}; ` +
      `${formatTime(seconds)} in all`,
    `${run} holds the weights, metrics.jsonl and pictures/: see progress.png first`,
  ];
}

/** 2:07 or 1:02:07 */
function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60) % 60;
  const ending = String(whole % 60).padStart(2, "0");
  if (whole < 3600) return `${minutes}:${ending}`;
  return `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${ending}`;
}
