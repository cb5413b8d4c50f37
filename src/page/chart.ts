// A chart of two lines over epochs, by uPlot: the training and the validation values of one term.
import uPlot from "uplot";
import { formatNumber } from "./numbers.js";

/** Values of a term, in the order of the epochs. Values that are not finite are gaps. */
export interface Lines {
  readonly epochs: readonly number[];
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

export const LINES = ["train", "validation"] as const;

export interface ChartHandlers {
  /** Index of the epoch under the pointer; none when it leaves. */
  onHover(index: number | undefined): void;
  onChoose(index: number): void;
}

const FONT = "12px system-ui, sans-serif";
/** Distances of ticks on the axis of epochs, which are whole numbers. */
const EPOCH_STEPS = Array.from({ length: 7 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

export class Chart {
  readonly #plot: uPlot;
  readonly #resizing: ResizeObserver;
  readonly #probe = document.createElement("span");
  #epochs: readonly number[] = [];
  #marked: number | undefined;

  constructor(
    readonly parent: HTMLElement,
    handlers: ChartHandlers,
  ) {
    this.#probe.hidden = true;
    parent.append(this.#probe);
    this.#plot = new uPlot(this.#options(), [[], [], []], parent);
    this.#resizing = new ResizeObserver(() => this.#plot.setSize(sizeIn(parent)));
    this.#resizing.observe(parent);
    this.#listen(handlers);
  }

  show({ epochs, train, validation }: Lines): void {
    this.#epochs = epochs;
    const finite = (values: readonly number[]) => values.map((value) => (Number.isFinite(value) ? value : null));
    this.#plot.setData([[...epochs], finite(train), finite(validation)]);
  }

  /** Hides or shows a line. */
  toggle(line: (typeof LINES)[number], show: boolean): void {
    this.#plot.setSeries(1 + LINES.indexOf(line), { show });
  }

  /** Moves the cursor to an epoch. */
  point(index: number | undefined): void {
    const epoch = index === undefined ? undefined : this.#epochs[index];
    const left = epoch === undefined ? -10 : this.#plot.valToPos(epoch, "x");
    this.#plot.setCursor({ left, top: epoch === undefined ? -10 : 0 }, false);
  }

  /** Draws a vertical line at an epoch. */
  mark(epoch: number | undefined): void {
    this.#marked = epoch;
    this.#plot.redraw(false);
  }

  /** Draws again, after a change of colours. */
  redraw(): void {
    this.#plot.redraw(false);
  }

  destroy(): void {
    this.#resizing.disconnect();
    this.#plot.destroy();
    this.#probe.remove();
  }

  /** Pointer events, which come from touch too, instead of uPlot's mouse events. */
  #listen({ onHover, onChoose }: ChartHandlers): void {
    const { over } = this.#plot;
    const indexAt = ({ clientX }: MouseEvent) => this.#plot.posToIdx(clientX - over.getBoundingClientRect().left);
    over.addEventListener("pointermove", (event) => onHover(indexAt(event)));
    over.addEventListener("pointerleave", () => onHover(undefined));
    over.addEventListener("click", (event) => onChoose(indexAt(event)));
  }

  #options(): uPlot.Options {
    const colour = (name: string) => () => this.#colour(name);
    const axis = {
      stroke: colour("--chart-text"),
      font: FONT,
      grid: { stroke: colour("--chart-grid"), width: 1 },
      ticks: { show: false },
    };
    const line = { width: 2, points: { size: 5, fill: colour("--chart-surface") }, spanGaps: false };
    const ignore = () => null;
    return {
      ...sizeIn(this.parent),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => this.#range() } },
      axes: [
        { ...axis, incrs: EPOCH_STEPS, space: 40, gap: 6, size: 28, grid: { show: false } },
        { ...axis, space: 36, gap: 6, size: axisWidth, values: (_, ticks) => tickLabels(ticks) },
      ],
      series: [
        {},
        { ...line, stroke: colour("--chart-train"), dash: [5, 3] },
        { ...line, stroke: colour("--chart-validation") },
      ],
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false, click: () => {} }, // by default, stops clicks
        points: { size: 8, width: 2 },
        bind: { mousemove: ignore, mouseenter: ignore, mouseleave: ignore, mousedown: ignore, mouseup: ignore },
      },
      hooks: { drawClear: [(plot) => this.#drawMark(plot, this.#colour("--chart-mark"))] },
    };
  }

  /** From the first to the last epoch; a single epoch gets half an epoch on each side. */
  #range(): [low: number, high: number] {
    const [first = 1, last = first] = [this.#epochs[0], this.#epochs.at(-1)];
    return first === last ? [first - 0.5, last + 0.5] : [first, last];
  }

  /** The colour of a custom property. Only `color` is computed for the theme. */
  #colour(name: string): string {
    this.#probe.style.color = `var(${name})`;
    return getComputedStyle(this.#probe).color;
  }

  #drawMark(plot: uPlot, colour: string): void {
    if (this.#marked === undefined) return;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour;
    ctx.fillRect(plot.valToPos(this.#marked, "x", true) - uPlot.pxRatio, bbox.top, 2 * uPlot.pxRatio, bbox.height);
    ctx.restore();
  }
}

function sizeIn({ clientWidth }: HTMLElement) {
  const width = Math.max(160, clientWidth);
  return { width, height: Math.round(Math.min(320, Math.max(170, width * 0.55))) };
}

/** Labels of ticks, with as many digits as distinguish them. */
function tickLabels(ticks: readonly number[]): string[] {
  const distance = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(distance) + 1e-9)));
  return ticks.map((tick) => formatNumber(tick, digits));
}

/** The width of the longest label of a vertical axis. */
function axisWidth(_: uPlot, labels: readonly string[] | null): number {
  return 14 + 7.2 * Math.max(2, ...(labels ?? []).map((label) => label.length));
}
