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
import { visible } from "../wording.js";
import { createHint, hintAtFewSteps } from "./hints.js";
import { colourOf, type Io } from "./io.js";
import {
  barWidth,
  createBar,
  describeFallback,
  formatCount,
  formatElbo,
  formatNats,
  formatTime,
  note,
  plural,
} from "./output.js";
import { programName, quote } from "./program.js";

/** The longest status next to the bar. */
const STATUS_WIDTH = 78;

/** A compiled training that takes longer is announced, once its speed has settled. */
const LONG_SECONDS = 600;
const SETTLED_MILLISECONDS = 10_000;

export type TrainingScreen = ReturnType<typeof openScreen>;

/** Shows a table on stderr, a line for each epoch, and on a terminal a bar below it. */
export function openScreen(io: Io, start: TrainingStart) {
  const { config } = start;
  const objective = `−${objectiveName(config)}`;
  const width = barWidth(io, STATUS_WIDTH);
  const bar = createBar(io, "{label} {bar} {status}", width);
  const begun = performance.now();
  const isSlow = ({ epoch, step, secondsLeft }: TrainingChunk) =>
    // The first step takes longer than the others. The compiled engine also compiles then.
    config.engine === "compiled"
      ? performance.now() - begun > SETTLED_MILLISECONDS && secondsLeft > LONG_SECONDS
      : epoch * step > 1;
  let isTold = false;

  const number = (epoch: number) => `${String(epoch).padStart(String(config.epochs).length)}/${config.epochs}`;
  /** Of a plain autoencoder, the objective is the reconstruction. */
  const ofBound = (...cells: string[]) => (hasBound(config) ? cells : []);
  const head = ["epoch", objective, ...ofBound("reconstruction", "KL"), `validation ${objective}`, "images/s"];
  const least = [number(0).length, 8, ...(hasBound(config) ? [15, 7] : []), 17, 9];
  const writeRow = (...cells: string[]) => {
    const row = cells.map((cell, i) => cell.padStart(Math.max(head[i].length, least[i]))).join(" ");
    io.stderr.write(`${visible(row).replace("best", colourOf(io).green("best"))}\n`);
  };

  note(io, describeImages(start));
  noteData(io, start);
  for (const line of describeRun(start)) note(io, line);
  const few = hintAtFewSteps(start);
  if (few) note(io, few);
  const hint = createHint(config);
  if (!start.resumed?.isFinished) writeRow(...head);

  return {
    showProgress(chunk: TrainingChunk): void {
      const { epoch, step, steps, train, imagesPerSecond, secondsLeft } = chunk;
      if (!isTold && isSlow(chunk)) {
        note(io, `This run will take about ${formatTime(secondsLeft)}.`);
        isTold = true;
      }
      if (!bar) return;
      const label = number(epoch);
      const status = [
        `${objective} ${formatNats(-train.objective, 1)}`,
        ...ofBound(`reconstruction ${formatNats(train.reconstruction, 1)}`, `KL ${formatNats(train.kl, 1)}`),
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
      const terms = ofBound(formatNats(train.reconstruction), formatNats(train.kl));
      const validated = `${formatNats(-validation.objective)} ${isBest ? "best" : "    "}`;
      writeRow(number(epoch), formatNats(-train.objective), ...terms, validated, String(Math.round(imagesPerSecond)));
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

/** Says what to do next. @param folder the run's, if it was named */
export function suggest(io: Io, folder: string | undefined, { conditional }: Config): void {
  const vae = programName(io);
  const which = folder === undefined ? "" : ` --run ${quote(folder)}`;
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

/** Lines about a training that begins or continues. */
function describeRun({ run, config, parameters, preset, fallbackReason, processes, resumed }: TrainingStart): string[] {
  const { batchSize, engine, epochs, threads } = config;
  const pace = `${plural(epochs, "epoch")} in batches of ${batchSize}`;
  const together = processes ? ` in each of ${processes.count} processes on ${plural(processes.hosts, "host")}` : "";
  return [
    `${run}: ${describeNetwork(config)}, ${formatCount(parameters)} parameters, engine ${engine}, ` +
      `${plural(threads, "thread")}${together}`,
    ...(preset ? [`Settings for photos (--preset ${preset}, the default for these images); ${pace}.`] : []),
    ...(resumed ? [describeResumed(resumed, config)] : []),
    ...(fallbackReason ? [describeFallback(engine, fallbackReason)] : []),
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

/** 2:07 or 1:02:07 */
function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60) % 60;
  const ending = String(whole % 60).padStart(2, "0");
  if (whole < 3600) return `${minutes}:${ending}`;
  return `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${ending}`;
}
