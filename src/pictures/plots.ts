// Plots as SVG text, drawn by Vega: points in the latent plane, and the terms of the ELBO from epoch to epoch. Vega is
// loaded only once something is drawn, since that takes as long as the drawing itself.
import type { TopLevelSpec } from "vega-lite";

/** Points in the plane of two latent dimensions. */
export interface LatentPoints {
  /** Coordinates, as many of one as of the other. A point that is not finite is left out. */
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** The number of each point's class. Without, all points have one colour and there is no legend. */
  readonly labels?: ArrayLike<number> | undefined;
  /** The names of the classes, where a number is not their name. */
  readonly classes?: readonly string[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly title: string;
}

/** Means over a set of images, in nats per image. */
export interface Terms {
  /** What was maximized. */
  readonly objective: number;
  readonly elbo: number;
  readonly reconstruction: number;
  readonly kl: number;
}

/** The terms after an epoch, counted from 1. */
export interface EpochTerms {
  readonly epoch: number;
  readonly train: Terms;
  readonly validation: Terms;
}

const BLUE = "#4c78a8";
const ORANGE = "#f58518";
const CONFIG = {
  background: "white",
  padding: 12,
  aria: false,
  axis: { labelFontSize: 12, titleFontSize: 13, labelFlush: false, gridColor: "#e8e8e8", domainColor: "#999" },
  legend: { labelFontSize: 12, titleFontSize: 13, rowPadding: 4, symbolOpacity: 1, symbolSize: 80, symbolLimit: 256 },
  title: { fontSize: 14, anchor: "start", frame: "group", offset: 10 },
  view: { stroke: null },
} as const;

/** Width and height of the latent plane in pixels. */
const PLANE = 560;
/** A legend of more classes has several columns. */
const LEGEND_ROWS = 25;

/** Width in pixels that the panels of learning curves share, each with AXIS_WIDTH of it to its left for the axis. */
const PANELS_WIDTH = 960;
const AXIS_WIDTH = 65;
const PANEL_HEIGHT = 220;
const ABOVE_PANEL = { titleX: 0, titleY: -16, titleAngle: 0, titleAlign: "left" } as const;
/** How much wider than it is Vega's guess takes a text to be. */
const TEXT_GUESS = 1.25;
/** Longer lines have no points to mark the epochs. */
const MARKED_EPOCHS = 40;

/** Points in the latent plane, coloured by class: SVG text, with one scale for both axes. */
export async function latentPlot(points: LatentPoints): Promise<string> {
  const { x, y, labels, classes: names } = points;
  const values = Array.from({ length: x.length }, (_, i) => ({
    x: x[i],
    y: y[i],
    label: labels && (names?.[labels[i]] ?? labels[i]),
  })).filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  // Both axes go as far as the points do.
  const extent = roundUp(values.reduce((most, p) => Math.max(most, Math.abs(p.x), Math.abs(p.y)), 0));
  const classes = new Set(values.map(({ label }) => label)).size;
  const axis = (title: string) => ({
    type: "quantitative" as const,
    title,
    scale: { domain: [-extent, extent], nice: false },
    axis: { tickCount: 8 },
  });
  return draw({
    title: points.title,
    width: PLANE,
    height: PLANE,
    data: { values },
    mark: { type: "circle", size: 9, opacity: 0.65, color: BLUE },
    encoding: {
      x: { field: "x", ...axis(points.xTitle) },
      y: { field: "y", ...axis(points.yTitle) },
      ...(labels && {
        color: {
          field: "label",
          type: "nominal",
          scale: { scheme: classes <= 10 ? "category10" : classes <= 20 ? "category20" : "rainbow" },
          legend: { direction: "horizontal", columns: Math.ceil(classes / LEGEND_ROWS) },
        },
      }),
    },
    config: CONFIG,
  });
}

/**
 * How training went: SVG text with a panel for each term, in nats per image, and in each a line for the training and one
 * for the validation images. What is not finite leaves a gap.
 *
 * @param panels from left to right, each with a title of 25 characters or so
 * @param pixels what the images are made of, for the title
 */
export async function learningCurves(
  epochs: readonly EpochTerms[],
  panels: readonly (readonly [term: keyof Terms, title: string])[],
  pixels: string,
): Promise<string> {
  const first = Math.min(...epochs.map(({ epoch }) => epoch));
  const last = Math.max(...epochs.map(({ epoch }) => epoch));
  const values = epochs.flatMap(({ epoch, train, validation }) => [
    { epoch, images: "train", ...finiteOrNull(train) },
    { epoch, images: "validation", ...finiteOrNull(validation) },
  ]);
  const pitch = PANELS_WIDTH / panels.length;
  return draw({
    data: { values },
    // Without a screen the width of a text can only be guessed: no panel's place must depend on it.
    bounds: "flush",
    spacing: AXIS_WIDTH,
    hconcat: panels.map(([term, title]) => ({
      width: pitch - AXIS_WIDTH,
      height: PANEL_HEIGHT,
      mark: { type: "line", strokeCap: "round", point: epochs.length <= MARKED_EPOCHS && { size: 25 } },
      encoding: {
        x: {
          field: "epoch",
          type: "quantitative",
          scale: { domain: first < last ? [first, last] : [first - 0.5, first + 0.5], nice: false },
          axis: { title: "epoch", format: "d", tickCount: 5, grid: false },
        },
        y: {
          field: term,
          type: "quantitative",
          scale: { zero: false },
          axis: { title, ...ABOVE_PANEL, titleLimit: pitch * TEXT_GUESS, tickCount: 6 },
        },
        color: {
          field: "images",
          type: "nominal",
          title: null,
          scale: { domain: ["train", "validation"], range: [BLUE, ORANGE] },
          legend: { orient: "top" },
        },
      },
    })),
    title: `Nats per image of ${pixels}`,
    config: CONFIG,
  });
}

/** Numbers that a plot has no place for, as what Vega takes for a gap. */
function finiteOrNull(terms: Terms): Record<keyof Terms, number | null> {
  const orNull = (value: number) => (Number.isFinite(value) ? value : null);
  const { objective, elbo, reconstruction, kl } = terms;
  return { objective: orNull(objective), elbo: orNull(elbo), reconstruction: orNull(reconstruction), kl: orNull(kl) };
}

/** The least of 1, 1.5, 2, 3, 4, 5, 6, 8 and 10 times a power of ten that is not below a number. */
function roundUp(value: number): number {
  if (value === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * power >= value) ?? 10);
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const { compile, parse, View } = await import("./vega.js");
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return withShortNumbers(await view.toSVG());
  } finally {
    view.finalize();
  }
}

/** Positions to a tenth of a pixel: digits beyond that cannot be seen, and make the file longer. */
function withShortNumbers(svg: string): string {
  return svg.replace(
    /translate\(([-\d.e]+),([-\d.e]+)\)/g,
    (_, x, y) => `translate(${+(+x).toFixed(1)},${+(+y).toFixed(1)})`,
  );
}
