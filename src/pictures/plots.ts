// Plots as SVG text, by Vega: points in the latent plane, and learning curves.
import type { TopLevelSpec } from "vega-lite";
import { printable } from "../wording.js";

/** Points in the plane of two latent dimensions. */
export interface LatentPoints {
  /** Points that are not finite are skipped. */
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** The class of each point. Without labels, all points have one colour. */
  readonly labels?: ArrayLike<number> | undefined;
  /** Names of the classes; by default, the labels. */
  readonly classes?: readonly string[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly title: string;
  /** Mean of a standard normal prior, drawn as circles at one and two standard deviations. */
  readonly prior?: readonly [x: number, y: number] | undefined;
}

/** Means over images, in nats per image. */
export type Terms = Readonly<Record<"objective" | "elbo" | "reconstruction" | "kl", number>>;

/** The terms after an epoch, counted from 1. */
export interface EpochTerms {
  readonly epoch: number;
  readonly train: Terms;
  readonly validation: Terms;
}

/** Side of the latent plane, in pixels. */
const PLANE = 560;
const CIRCLE = { type: "point" as const, color: "#222", strokeDash: [5, 4], strokeWidth: 1.3 };
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

/** Width of all panels of learning curves, and of the axis in each panel, in pixels. */
const PANELS_WIDTH = 960;
const AXIS_WIDTH = 65;
/** Control characters, lone surrogates and noncharacters, which XML forbids or terminals interpret. */
export const NOT_XML = /(?![\n\t])[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
const ABOVE_PANEL = { titleX: 0, titleY: -16, titleAngle: 0, titleAlign: "left" } as const;

/**
 * Plots points in the latent plane, coloured by class, as SVG. Both axes have one scale, which fits the points and the
 * prior's circles.
 */
export async function latentPlot(points: LatentPoints): Promise<string> {
  const { x, y, labels, classes, prior } = points;
  const names = classes?.map(legendName);
  const label = (i: number) => labels && (names?.[labels[i]] ?? labels[i]);
  const values = Array.from(x, (x, i) => ({ x, y: y[i], label: label(i) })).filter(
    (point) => Number.isFinite(point.x) && Number.isFinite(point.y),
  );
  const rims = prior ? [-2, 2].map((sigmas) => ({ x: prior[0] + sigmas, y: prior[1] + sigmas })) : [];
  const { domains, side } = squareDomains([...values, ...rims]);
  const count = new Set(values.map(({ label }) => label)).size;
  const axis = (direction: "x" | "y", title: string) =>
    ({
      field: direction,
      type: "quantitative",
      title,
      scale: { domain: domains[direction], nice: false, zero: false },
      axis: { tickCount: 8 },
    }) as const;
  const place = { x: axis("x", points.xTitle), y: axis("y", points.yTitle) };
  const circle = (sigmas: number) => ({
    data: { values: [{ x: prior?.[0], y: prior?.[1] }] },
    // Vega's size of a circle is the area of the square around it.
    mark: { ...CIRCLE, size: ((2 * sigmas * PLANE) / side) ** 2 },
    encoding: place,
  });
  return draw({
    title: {
      text: points.title,
      ...(prior && { subtitle: "Dashed circles: the prior N(0, I), at one and two standard deviations" }),
    },
    width: PLANE,
    height: PLANE,
    layer: [
      {
        data: { values },
        mark: { type: "circle", size: 9, opacity: 0.65, color: BLUE },
        encoding: {
          ...place,
          ...(labels && {
            color: {
              field: "label",
              type: "nominal",
              scale: { scheme: count <= 10 ? "category10" : count <= 20 ? "category20" : "rainbow" },
              legend: { direction: "horizontal", columns: Math.ceil(count / 25) },
            },
          }),
        },
      },
      ...(prior ? [circle(1), circle(2)] : []),
    ],
  });
}

/** Margin on each side of an axis, as a share of its length. */
const AXIS_MARGIN = 0.04;

/** Domains of the axes, both of length `side`, centred on the points. */
function squareDomains(points: readonly { readonly x: number; readonly y: number }[]) {
  const [x, y] = [extentOf(points.map(({ x }) => x)), extentOf(points.map(({ y }) => y))];
  const longest = points.length === 0 ? 0 : Math.max(x[1] - x[0], y[1] - y[0]);
  const side = (longest || 1) / (1 - 2 * AXIS_MARGIN);
  const around = ([low, high]: readonly [number, number]): [number, number] => {
    const middle = points.length === 0 ? 0 : (low + high) / 2;
    return [middle - side / 2, middle + side / 2];
  };
  return { domains: { x: around(x), y: around(y) }, side };
}

/** A class in the legend. A name with hidden characters gets a number, to distinguish it. */
function legendName(name: string, label: number): string {
  const shown = printable(name);
  return shown === name && name.trim() !== "" ? name : `${shown} (class ${label})`;
}

/**
 * Plots learning curves as SVG: a panel for each term, lines for training and validation. Values that are not finite
 * are gaps.
 *
 * @param panels from left to right, with titles of about 25 characters
 * @param pixels the kind of pixels, for the title
 */
export async function learningCurves(
  epochs: readonly EpochTerms[],
  panels: readonly (readonly [term: keyof Terms, title: string])[],
  pixels: string,
): Promise<string> {
  const first = epochs[0].epoch;
  const last = epochs[epochs.length - 1].epoch;
  const finite = (terms: Terms) =>
    Object.fromEntries(panels.map(([term]) => [term, Number.isFinite(terms[term]) ? terms[term] : null]));
  const values = epochs.flatMap(({ epoch, train, validation }) => [
    { epoch, images: "train", ...finite(train) },
    { epoch, images: "validation", ...finite(validation) },
  ]);
  const pitch = PANELS_WIDTH / panels.length;
  return draw({
    data: { values },
    bounds: "flush", // without a screen, text widths are estimates, which must not move panels
    spacing: AXIS_WIDTH,
    hconcat: panels.map(([term, title]) => ({
      width: pitch - AXIS_WIDTH,
      height: 220,
      mark: { type: "line", strokeCap: "round", point: epochs.length <= 40 && { size: 25 } },
      encoding: {
        x: epochAxis(first, last),
        y: termAxis(term, title, pitch),
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
  });
}

/** Validation terms of a run by epoch. Runs with equal labels share a colour. */
export interface Curve {
  readonly label: string;
  readonly epochs: readonly { readonly epoch: number; readonly terms: Terms }[];
}

/** Lines differ in colour first, then in dashes. */
const COLOURS = [BLUE, ORANGE, "#54a24b", "#e45756", "#b279a2", "#9d755d", "#ff7fae", "#3f9a96", "#b39b00", "#555555"];
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2.5],
] as const;

/**
 * Plots learning curves of several runs as SVG: a panel for each term, a line for each run. Values that are not finite
 * are gaps.
 *
 * @param panels from left to right, with titles of about 25 characters
 */
export async function comparisonCurves(
  curves: readonly Curve[],
  panels: readonly (readonly [term: keyof Terms, title: string])[],
  title: string,
): Promise<string> {
  const finite = (terms: Terms) =>
    Object.fromEntries(panels.map(([term]) => [term, Number.isFinite(terms[term]) ? terms[term] : null]));
  const labels = [...new Set(curves.map(({ label }) => label))];
  const values = curves.flatMap(({ label, epochs }, run) =>
    epochs.map(({ epoch, terms }) => ({ run, label, epoch, ...finite(terms) })),
  );
  const last = values.reduce((most, { epoch }) => Math.max(most, epoch), 1);
  const longest = Math.max(...labels.map((label) => label.length));
  const byLabel = <Range>(range: (i: number) => Range) => ({
    field: "label",
    type: "nominal" as const,
    title: null,
    sort: null,
    scale: { range: labels.map((_, i) => range(i)) },
    legend: {
      orient: "bottom" as const,
      columns: Math.max(1, Math.floor(PANELS_WIDTH / (60 + 7 * longest))),
      labelLimit: PANELS_WIDTH,
      symbolType: "stroke" as const,
      symbolStrokeWidth: 2,
      symbolSize: 400,
    },
  });
  const pitch = PANELS_WIDTH / panels.length;
  return draw({
    data: { values },
    bounds: "flush", // as in learningCurves
    spacing: AXIS_WIDTH,
    hconcat: panels.map(([term, title]) => ({
      width: pitch - AXIS_WIDTH,
      height: 300,
      mark: { type: "line", clip: true, strokeCap: "butt", strokeWidth: 1.5, point: last <= 40 && { size: 14 } },
      encoding: {
        x: epochAxis(1, last),
        y: termAxis(term, title, pitch, laterRange(curves, term)),
        color: byLabel((i) => COLOURS[i % COLOURS.length]),
        strokeDash: byLabel((i) => DASHES[Math.floor(i / COLOURS.length) % DASHES.length]),
        detail: { field: "run" },
      },
    })),
    title,
  });
}

/**
 * The range of the later halves of the curves, plus up to its length on each side. The first epochs, often far off,
 * would hide the final differences.
 */
function laterRange(curves: readonly Curve[], term: keyof Terms): [low: number, high: number] | undefined {
  const valuesOf = (epochs: Curve["epochs"]) => epochs.map(({ terms }) => terms[term]).filter(Number.isFinite);
  const all = curves.flatMap(({ epochs }) => valuesOf(epochs));
  const later = curves.flatMap(({ epochs }) => valuesOf(epochs.slice(Math.floor(epochs.length / 2))));
  const [low, high] = extentOf(later);
  const [lowest, highest] = extentOf(all);
  if (!(low < high)) return undefined;
  const margin = high - low;
  return [Math.max(lowest, low - margin), Math.min(highest, high + margin)];
}

function extentOf(values: readonly number[]): [low: number, high: number] {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  return [low, values.reduce((most, value) => Math.max(most, value), -Infinity)];
}

function epochAxis(first: number, last: number) {
  return {
    field: "epoch",
    type: "quantitative",
    scale: { domain: first < last ? [first, last] : [first - 0.5, first + 0.5], nice: false },
    axis: { title: "epoch", format: "d", tickCount: 5, grid: false },
  } as const;
}

/**
 * @param pitch width of the panel with its axis, in pixels
 * @param domain by default the range of the values
 */
function termAxis(term: keyof Terms, title: string, pitch: number, domain?: readonly [low: number, high: number]) {
  return {
    field: term,
    type: "quantitative",
    scale: { zero: false, ...(domain && { domain: [...domain], nice: true }) },
    axis: { title, ...ABOVE_PANEL, titleLimit: pitch * 1.25, tickCount: 6 }, // Vega overestimates widths
  } as const;
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const { compile, parse, View } = await import("./vega.js"); // lazy: loading takes as long as drawing
  const view = new View(parse(compile(spec, { config: CONFIG }).spec), { renderer: "none" });
  try {
    // Rounded to 0.1 pixels, which shortens the file.
    const round = (_: string, x: string, y: string) => `translate(${+(+x).toFixed(1)},${+(+y).toFixed(1)})`;
    const svg = (await view.toSVG()).replace(/translate\(([-\d.e]+),([-\d.e]+)\)/g, round);
    return numberClips(svg).replace(NOT_XML, "");
  } finally {
    view.finalize();
  }
}

/** Renumbers clip paths. Vega counts them per process, so equal plots would differ as text. */
function numberClips(svg: string): string {
  const names = new Map<string, string>();
  return svg.replace(/(?<=<clipPath id="|clip-path="url\(#)clip\d+/g, (name) => {
    if (!names.has(name)) names.set(name, `clip${names.size}`);
    return names.get(name) ?? name;
  });
}
