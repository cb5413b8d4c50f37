// Formatting, notes and progress, shared by commands.
import { SingleBar } from "cli-progress";
import { objectiveTitle } from "../config/names.js";
import { UserError } from "../errors.js";
import {
  type Bounds,
  type Config,
  type Device,
  describePixels,
  type Elbo,
  hasBound,
  type LoadedModel,
  loadModel,
  objectiveName,
  type Processes,
} from "../index.js";
import { formatNats, formatTime, printableLine, visible } from "../wording.js";
import { colourOf, type Io, widthOf, withFlags } from "./io.js";
import { NONE } from "./table.js";

export { objectiveTitle } from "../config/names.js";
export { formatCount, formatNats, formatPlural, formatTime, plural, printableLine } from "../wording.js";

/** The terms of the bound, with unit and kind of pixels. */
export function formatElbo(terms: Elbo | Bounds, config: Config): string {
  const { elbo, reconstruction, kl } = terms;
  const of = `nats per image of ${describePixels(config)}`;
  const name = objectiveName(config);
  if (!hasBound(config)) return `−${name} ${formatNats(-reconstruction)} ${of}`;
  const first =
    name === "ELBO" || !("objective" in terms) ? "" : `${objectiveTitle(config)} ${formatNats(-terms.objective)}, `;
  const split = `reconstruction ${formatNats(reconstruction)}, KL ${formatNats(kl)}`;
  return `${first}−ELBO ${formatNats(-elbo)} ${of} (${split})`;
}

/** Nats, or – if they are not finite. */
export function formatFinite(nats: number): string {
  return Number.isFinite(nats) ? formatNats(nats) : NONE;
}

/** Prints lines, with hidden characters escaped. */
export function print({ stdout }: Io, ...lines: string[]): void {
  for (const line of lines) stdout.write(`${visible(line)}\n`);
}

/** Writes a note to stderr, on one line. stdout is for results. */
export function note(io: Io, text: string): void {
  io.stderr.write(`${colourOf(io).dim(printableLine(withFlags(text)))}\n`);
}

/**
 * Notes that a denoiser gets clean images.
 *
 * @param other a data set, other than the training's, that has no noisy inputs
 */
export function noteClean(io: Io, { config }: LoadedModel, other?: string): void {
  if (config.noise === null && (config.inputDir === null || other === undefined)) return;
  note(io, "The images are clean, but this model was trained on noisy ones.");
}

const MAX_BAR = 30;

/** A bar that fits next to `otherWidth` characters. @param share of the bar that is filled, 0 to 1 */
export function drawBar({ stderr }: Io, otherWidth: number, share: number): string {
  const width = Math.max(0, Math.min(MAX_BAR, widthOf(stderr) - 1 - otherWidth));
  const done = Math.round(width * share);
  return "█".repeat(done) + "░".repeat(width - done);
}

/** A redrawn line on stderr, if it is a terminal. Changes no terminal modes, which Ctrl-C would leave changed. */
export function progressLine({ stderr }: Io): { show(line: string): void; stop(): void } | undefined {
  if (!stderr.isTTY) return undefined;
  const bar = new SingleBar({
    format: "{line}",
    hideCursor: null,
    linewrap: true,
    clearOnComplete: true,
    stream: stderr,
  });
  return {
    show(text) {
      const line = text.slice(0, widthOf(stderr) - 1); // a wrapped line cannot be redrawn
      if (!bar.isActive) bar.start(1, 0, { line });
      bar.update(0, { line });
    },
    stop: () => bar.stop(),
  };
}

/** A progress bar with the time left, if stderr is a terminal. Appears with the first progress. */
export function progressBar(io: Io, title: string): { show(done: number, count: number): void; stop(): void } {
  const line = progressLine(io);
  let first: { readonly done: number; readonly time: number } | undefined;
  const stop = () => {
    line?.stop();
    first = undefined;
  };
  return {
    show(done, count) {
      const now = performance.now();
      first ??= { done, time: now };
      const secondsLeft = ((now - first.time) / 1000 / (done - first.done)) * (count - done);
      const left = done > first.done ? `, ${formatTime(secondsLeft)} left` : "";
      const counts = `${String(done).padStart(String(count).length)}/${count}`;
      const bar = drawBar(io, title.length + counts.length + ", 59 min 59 s left".length + 2, done / count);
      line?.show(`${title} ${bar} ${counts}${left}`);
      if (done === count) stop();
    },
    stop,
  };
}

export function describeFallback(engine: string, reason: string): string {
  return `Using engine ${engine}: ${reason}. vae engines says how to get a faster one.`;
}

/** Loads a run's model, calls `use`, and closes the model. */
export async function withModel(
  io: Io,
  { run, device }: { readonly run: string | undefined; readonly device?: Device | undefined },
  use: (model: LoadedModel) => Promise<void>,
  processes?: Processes,
): Promise<void> {
  const load = () => {
    if (processes && device === "gpu") throw new UserError("`device: gpu` is for a single process.");
    return loadModel(run, undefined, processes?.threads, device);
  };
  const model = await (processes ? processes.agree(load) : load());
  try {
    if (model.fallbackReason) note(io, describeFallback(model.engine.name, model.fallbackReason));
    await use(model);
  } finally {
    await model.close();
  }
}

const PLAIN_NAME = /^[\p{L}\p{N}_-]{1,40}$/u;

/** A class in a file name: class-cat, or its number if the name is long or has special characters. */
export function classInName({ classes = [] }: LoadedModel, name: string): string {
  const place = classes.findIndex((one) => one.name === name.normalize("NFC"));
  return `class-${PLAIN_NAME.test(name) ? name : `number-${place}`}`;
}
