import { describe, expect, it } from "vitest";
import {
  comparisonCurves,
  type EpochTerms,
  type LatentPoints,
  latentPlot,
  learningCurves,
} from "../../src/pictures/plots.js";

/** An element of an SVG file. Its position on the page is the sum of all translations around it. */
interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own classes and those of all elements around it. */
  readonly classes: string;
  readonly x: number;
  readonly y: number;
  /** Its text without the text of nested elements. */
  text: string;
}

/** All elements of an XML file. Throws if it is not well-formed. */
function parseXml(xml: string): Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const text = /(?:[^<>&]|&(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)*/y;
  const tag = /<(\/?)([\w-]+)((?:\s+[\w:-]+="(?:[^<&"]|&(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)*")*)\s*(\/?)>/y;
  for (let at = 0; at < xml.length; ) {
    text.lastIndex = at;
    const between = text.exec(xml)?.[0] ?? "";
    if (open.length > 0) open[open.length - 1].text += between;
    else if (between.trim()) throw new Error(`Text outside all elements: ${between}`);
    at += between.length;
    if (at === xml.length) break;
    tag.lastIndex = at;
    const match = tag.exec(xml);
    if (!match) throw new Error(`Not well-formed: ${xml.slice(at, at + 80)}`);
    at += match[0].length;
    const [, closing, name, list, empty] = match;
    if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const pairs = [...list.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
    const attributes: Record<string, string> = Object.fromEntries(pairs);
    if (pairs.length !== Object.keys(attributes).length) throw new Error(`An attribute twice: ${list}`);
    const around = open.at(-1) ?? { classes: "", x: 0, y: 0 };
    const [x, y] = (/translate\(([^,]+),([^)]+)\)/.exec(attributes.transform ?? "") ?? ["", 0, 0]).slice(1).map(Number);
    const classes = `${around.classes} ${attributes.class ?? ""}`;
    const element = { name, attributes, classes, x: around.x + x, y: around.y + y, text: "" };
    elements.push(element);
    if (!empty) open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open[0].name}> is never closed`);
  return elements;
}

/** Elements of this name with this class, or inside an element with it. */
const pick = (elements: readonly Element[], name: string, className: string) =>
  elements.filter((element) => element.name === name && element.classes.split(" ").includes(className));

/** Reads an axis from its labels: the values of its ticks, and the value at a position on the page. */
function readAxis(elements: readonly Element[], direction: "x" | "y") {
  const anchor = direction === "x" ? "middle" : "end";
  const labels = pick(elements, "text", "role-axis-label").filter(
    (label) => label.attributes["text-anchor"] === anchor,
  );
  const ticks = labels.map((label) => ({
    at: label[direction],
    value: Number(label.text.replace("−", "-").replace(",", "")),
  }));
  const [first, last] = [ticks[0], ticks[ticks.length - 1]];
  // The baseline of a label of the y axis is 4 pixels below its tick.
  const offset = direction === "y" ? 4 : 0;
  const scale = (last.value - first.value) / (last.at - first.at);
  return {
    values: ticks.map(({ value }) => value),
    unitsPerPixel: Math.abs(scale),
    read: (element: Element) => first.value + (element[direction] + offset - first.at) * scale,
  };
}

const points = (over: Partial<LatentPoints> = {}): LatentPoints => ({
  x: [0.5, -1.25, 2.75, 0],
  y: [-2, 1.5, 0.25, 0],
  xTitle: "z1",
  yTitle: "z2",
  title: "four points",
  ...over,
});

describe("the latent plane", () => {
  it("shows each point at its coordinates, with equal scales on both axes", async () => {
    const svg = parseXml(await latentPlot(points()));
    const [x, y] = [readAxis(svg, "x"), readAxis(svg, "y")];
    const drawn = pick(svg, "path", "role-mark");
    expect(drawn).toHaveLength(4);
    drawn.forEach((point, i) => {
      expect(Math.abs(x.read(point) - [0.5, -1.25, 2.75, 0][i])).toBeLessThan(0.6 * x.unitsPerPixel);
      expect(Math.abs(y.read(point) - [-2, 1.5, 0.25, 0][i])).toBeLessThan(0.6 * y.unitsPerPixel);
    });
    expect(x.unitsPerPixel).toBeCloseTo(y.unitsPerPixel, 9);
    expect(pick(svg, "text", "role-axis-title").map(({ text }) => text)).toEqual(["z1", "z2"]);
    expect(pick(svg, "text", "role-title").map(({ text }) => text)).toEqual(["four points"]);
  });

  it("without labels has one colour and no legend", async () => {
    const svg = parseXml(await latentPlot(points()));
    expect(new Set(pick(svg, "path", "role-mark").map(({ attributes }) => attributes.fill)).size).toBe(1);
    expect(svg.filter(({ classes }) => classes.includes("legend"))).toEqual([]);
  });

  it.each([4, 10, 11, 26, 62])("draws each of %i classes in its colour of the legend", async (classes) => {
    const labels = Uint8Array.from({ length: 2 * classes }, (_, i) => (i * 7) % classes);
    const svg = parseXml(
      await latentPlot(points({ x: new Float32Array(labels.length), y: new Float32Array(labels.length), labels })),
    );
    expect(pick(svg, "text", "role-legend-title").map(({ text }) => text)).toEqual(["label"]);
    const names = pick(svg, "text", "role-legend-label").map(({ text }) => Number(text));
    expect(names).toEqual(Array.from({ length: classes }, (_, i) => i));
    const colours = pick(svg, "path", "role-legend-symbol").map(({ attributes }) => attributes.fill);
    expect(new Set(colours).size).toBe(classes);
    const drawn = pick(svg, "path", "role-mark").map(({ attributes }) => attributes.fill);
    expect(drawn).toEqual([...labels].map((label) => colours[label]));
  });

  it("has a legend for class names with any characters, as well-formed XML without controls", async () => {
    const plain = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "0", "-1", "all"];
    const odd = [" ", "<&\u001b\u009b\u202e\n\ud800\ufffe", "x".repeat(300), `${"x".repeat(299)}y`];
    const classes = [...plain, ...odd];
    const labels = classes.map((_, i) => i);
    const text = await latentPlot(points({ x: labels, y: labels, labels, classes }));
    expect(text).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cs}\p{Bidi_C}\ufffe\uffff]/u);
    const svg = parseXml(text);
    const names = pick(svg, "text", "role-legend-label").map((element) => element.text);
    expect(names).toEqual(expect.arrayContaining(plain));
    expect(pick(svg, "path", "role-legend-symbol")).toHaveLength(classes.length);
    expect(new Set(pick(svg, "path", "role-mark").map(({ attributes }) => attributes.fill)).size).toBe(classes.length);
  });

  it("omits points that are not finite", async () => {
    const svg = parseXml(
      await latentPlot(points({ x: [1, NaN, 0.5, -2], y: [1, 0, Infinity, 2], labels: [3, 4, 5, 7] })),
    );
    expect(pick(svg, "path", "role-mark")).toHaveLength(2);
    expect(pick(svg, "text", "role-legend-label").map(({ text }) => text)).toEqual(["3", "7"]);
    expect(pick(parseXml(await latentPlot(points({ x: [], y: [] }))), "path", "role-mark")).toEqual([]);
  });

  it.each([
    ["far from zero", [100, 103, 101], [-50, -52, -51]],
    ["tiny", [0, 0.0021, 0.001], [0.003, 0.001, 0.002]],
    ["a line", [-3, 4, 1], [0, 0, 0]],
    ["one point", [7], [7]],
    ["with one that is not finite", [0, -5, 1e9], [2, 1, NaN]],
  ])("fits its points, with a margin: %s", async (_, x, y) => {
    const svg = parseXml(await latentPlot(points({ x, y })));
    const drawn = pick(svg, "path", "role-mark");
    const frame = pick(svg, "path", "root")[0];
    const spread = (["x", "y"] as const).map((direction) => {
      const places = drawn.map((mark) => mark[direction] - frame[direction]);
      const [low, high] = [Math.min(...places), Math.max(...places)];
      expect((low + high) / 2).toBeCloseTo(280, 0); // in the middle of 560 pixels
      return high - low;
    });
    expect(Math.max(...spread)).toBeCloseTo(drawn.length > 1 ? 560 * 0.92 : 0, 0);
    const [xAxis, yAxis] = [readAxis(svg, "x"), readAxis(svg, "y")];
    expect(xAxis.unitsPerPixel / yAxis.unitsPerPixel).toBeCloseTo(1, 2);
  });

  it.each([
    [0, 0],
    [0.4, -0.1],
    [30, 30],
  ])("shows the prior by circles of one and two units around (%f, %f), inside the axes", async (cx, cy) => {
    const svg = parseXml(await latentPlot(points({ prior: [cx, cy] })));
    const [x, y] = [readAxis(svg, "x"), readAxis(svg, "y")];
    const circles = pick(svg, "path", "role-mark").filter(({ attributes }) => attributes["stroke-dasharray"]);
    expect(circles).toHaveLength(2);
    for (const [i, circle] of circles.entries()) {
      const [, radius] = (/A([\d.]+),\1,/.exec(circle.attributes.d) ?? []).map(Number);
      expect(Math.abs(radius * x.unitsPerPixel - (i + 1))).toBeLessThan(0.03 * (i + 1));
      expect(Math.abs(x.read(circle) - cx)).toBeLessThan(x.unitsPerPixel);
      expect(Math.abs(y.read(circle) - cy)).toBeLessThan(y.unitsPerPixel);
      const frame = pick(svg, "path", "root")[0];
      expect(circle.x - frame.x - radius).toBeGreaterThan(0);
      expect(circle.x - frame.x + radius).toBeLessThan(560);
    }
    expect(pick(svg, "text", "role-title").map(({ text }) => text)).toContain("four points");
    const without = parseXml(await latentPlot(points()));
    expect(without.filter(({ attributes }) => attributes["stroke-dasharray"])).toEqual([]);
  });

  it("is a small SVG with a white background, the same each time", async () => {
    const many = Float32Array.from({ length: 5000 }, (_, i) => 3 * Math.sin(i * i));
    const plot = () => latentPlot(points({ x: many, y: many.toReversed(), labels: many.map((_, i) => i % 10) }));
    const [once, twice] = await Promise.all([plot(), plot()]);
    expect(twice).toBe(once);
    expect(await plot()).toBe(once);
    expect(once.length).toBeLessThan(800_000);
    const [page, background] = parseXml(once);
    const { width, height } = page.attributes;
    expect(background.attributes).toEqual({ width, height, fill: "white" });
  });

  it("escapes titles", async () => {
    const title = `x < y & "z" > 'w'`;
    const svg = await latentPlot(points({ title, xTitle: title, yTitle: title }));
    expect(() => parseXml(svg)).not.toThrow();
    expect(() => parseXml(svg.replaceAll("&lt;", "<"))).toThrow("well-formed");
  });
});

/** Epochs whose terms are known functions of the epoch. */
const terms = (epoch: number, lead: number) => ({
  elbo: -150 - 100 / epoch + lead,
  reconstruction: -144 - 90 / epoch + lead,
  kl: 6 + 10 / epoch,
  objective: -1e5 + epoch + lead,
});
const epochs = (count: number): EpochTerms[] =>
  Array.from({ length: count }, (_, i) => ({ epoch: i + 1, train: terms(i + 1, 0), validation: terms(i + 1, 2) }));

/** The panels from left to right, each with the points of training and of validation. */
function readPanels(svg: string) {
  const elements = parseXml(svg);
  const [train, validation] = pick(elements, "path", "role-legend-symbol").map(({ attributes }) => attributes.fill);
  return [0, 1, 2, 3].flatMap((i) => {
    const panel = elements.filter(({ classes }) => classes.split(" ").includes(`concat_${i}_group`));
    if (panel.length === 0) return [];
    const marks = panel.filter(({ name, classes }) => name === "path" && classes.includes("mark-symbol"));
    return {
      title: pick(panel, "text", "role-axis-title").find(({ text }) => text !== "epoch")?.text,
      x: readAxis(panel, "x"),
      y: readAxis(panel, "y"),
      train: marks.filter(({ attributes }) => attributes.fill === train),
      validation: marks.filter(({ attributes }) => attributes.fill === validation),
      lines: panel.filter(
        ({ name, classes, attributes }) => name === "path" && classes.includes("mark-line") && attributes.stroke,
      ),
    };
  });
}

const PIXELS = "dynamically binarized pixels";
const PANELS = [
  ["elbo", "ELBO"],
  ["reconstruction", "reconstruction log p(x|z)"],
  ["kl", "KL(q(z|x) ‖ p(z))"],
] as const;
const PANELS_AND_OBJECTIVE = [["objective", "L5"], ...PANELS] as const;

describe("learning curves", () => {
  it("show each term of each epoch at its coordinates", async () => {
    const panels = readPanels(await learningCurves(epochs(8), PANELS, PIXELS));
    expect(panels.map(({ title }) => title)).toEqual(["ELBO", "reconstruction log p(x|z)", "KL(q(z|x) ‖ p(z))"]);
    (["elbo", "reconstruction", "kl"] as const).forEach((term, i) => {
      const { x, y, train, validation, lines } = panels[i];
      for (const [drawn, lead] of [
        [train, 0],
        [validation, 2],
      ] as const) {
        expect(drawn.map((point) => Math.round(x.read(point)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        drawn.forEach((point, e) => {
          expect(Math.abs(y.read(point) - terms(e + 1, lead)[term])).toBeLessThan(0.6 * y.unitsPerPixel);
        });
      }
      expect(lines).toHaveLength(2);
    });
  });

  it("have a panel for each requested term", async () => {
    const panels = readPanels(await learningCurves(epochs(3), PANELS_AND_OBJECTIVE, PIXELS));
    expect(panels.map(({ title }) => title?.split(" ")[0])).toEqual(["L5", "ELBO", "reconstruction", "KL(q(z|x)"]);
    expect(panels[0].train.map((point) => Math.round(panels[0].y.read(point)))).toEqual([-99999, -99998, -99997]);
  });

  it("name the lines and the unit", async () => {
    const svg = parseXml(await learningCurves(epochs(3), PANELS, PIXELS));
    expect(pick(svg, "text", "role-legend-label").map(({ text }) => text)).toEqual(["train", "validation"]);
    expect(pick(svg, "text", "role-title").map(({ text }) => text)).toEqual([`Nats per image of ${PIXELS}`]);
    expect(svg.filter(({ text }) => text.includes("epoch"))).toHaveLength(3);
    for (const { attributes } of svg.filter(({ name }) => name === "text")) {
      expect(parseFloat(attributes["font-size"])).toBeGreaterThanOrEqual(11);
    }
  });

  it.each([1, 2, 3, 20, 40, 1000])("label %i epochs with whole numbers, each within its panel", async (count) => {
    for (const panels of [PANELS, PANELS_AND_OBJECTIVE]) {
      const svg = await learningCurves(epochs(count), panels, PIXELS);
      const width = Number(parseXml(svg)[0].attributes.width);
      expect(width).toBeGreaterThan(900);
      expect(width).toBeLessThan(1100);
      for (const { x, train } of readPanels(svg)) {
        expect(x.values.every((value) => Number.isInteger(value) && value >= 1 && value <= count)).toBe(true);
        expect(new Set(x.values).size).toBe(x.values.length);
        expect(train).toHaveLength(count <= 40 ? count : 0);
      }
    }
  });

  it("show a single epoch", async () => {
    const svg = await learningCurves(epochs(1), PANELS, PIXELS);
    const middles = [0, 1, 2].map((i) => parseXml(svg).filter(({ classes }) => classes.includes(`concat_${i}_group`)));
    for (const panel of middles) {
      const [label] = pick(panel, "text", "role-axis-label");
      expect(label.text).toBe("1");
      const drawn = panel.filter(({ name, classes }) => name === "path" && classes.includes("mark-symbol"));
      expect(drawn).toHaveLength(2);
      for (const { x } of drawn) expect(Math.abs(x - label.x)).toBeLessThanOrEqual(0.5);
    }
  });

  it("leave a gap where a term is not finite", async () => {
    const broken = { objective: NaN, elbo: NaN, reconstruction: -Infinity, kl: Infinity };
    const svg = await learningCurves(
      epochs(9).map((terms) => (terms.epoch === 4 ? { ...terms, train: broken } : terms)),
      PANELS,
      PIXELS,
    );
    expect(svg).not.toMatch(/NaN|Infinity/);
    for (const { train, validation, lines } of readPanels(svg)) {
      expect([train.length, validation.length]).toEqual([8, 9]);
      expect(lines.map(({ attributes }) => attributes.d.split("M").length - 1)).toEqual([2, 1]);
    }
    const nothing = await learningCurves(
      [{ epoch: 1, train: broken, validation: broken }],
      PANELS_AND_OBJECTIVE,
      PIXELS,
    );
    expect(() => parseXml(nothing)).not.toThrow();
    expect(nothing).not.toMatch(/NaN|Infinity/);
  });

  it("are the same text each time", async () => {
    const [once, twice] = await Promise.all([1, 2].map(() => learningCurves(epochs(5), PANELS_AND_OBJECTIVE, PIXELS)));
    expect(twice).toBe(once);
    expect(await learningCurves(epochs(5), PANELS_AND_OBJECTIVE, PIXELS)).toBe(once);
  });
});

/** Curves of several runs. Run i is i nats higher than the first. */
const curves = (count: number, epochs = 8, label = (i: number) => `beta=${i}`) =>
  Array.from({ length: count }, (_, i) => ({
    label: label(i),
    epochs: Array.from({ length: epochs }, (_, e) => ({ epoch: e + 1, terms: terms(e + 1, i) })),
  }));

/** The points of each colour and the lines of each panel. */
function readComparison(svg: string) {
  const elements = parseXml(svg);
  const symbols = pick(elements, "path", "role-legend-symbol").map(({ attributes }) => attributes);
  return {
    labels: pick(elements, "text", "role-legend-label").map(({ text }) => text),
    styles: symbols.map((symbol) => `${symbol.stroke} ${symbol["stroke-dasharray"]}`),
    colours: symbols.map(({ stroke }) => stroke),
    panels: PANELS.map((_, i) => {
      const panel = elements.filter(({ classes }) => classes.split(" ").includes(`concat_${i}_group`));
      const marks = panel.filter(({ name, classes }) => name === "path" && classes.includes("mark-symbol"));
      return {
        y: readAxis(panel, "y"),
        points: symbols.map(({ stroke }) => marks.filter(({ attributes }) => attributes.fill === stroke)),
        lines: panel.filter(
          ({ name, classes, attributes }) => name === "path" && classes.includes("mark-line") && attributes.stroke,
        ),
      };
    }),
  };
}

describe("learning curves of several runs", () => {
  it("show each term of each run at its coordinates", async () => {
    const { panels, labels } = readComparison(await comparisonCurves(curves(3), PANELS, "Validation"));
    expect(labels).toEqual(["beta=0", "beta=1", "beta=2"]);
    (["elbo", "reconstruction", "kl"] as const).forEach((term, i) => {
      const { y, points, lines } = panels[i];
      expect(lines).toHaveLength(3);
      points.forEach((drawn, run) => {
        drawn.forEach((point, e) => {
          expect(Math.abs(y.read(point) - terms(e + 1, run)[term])).toBeLessThan(0.6 * y.unitsPerPixel);
        });
      });
    });
  });

  it("scale the axes to the later half of the epochs", async () => {
    const [{ y }] = readComparison(await comparisonCurves(curves(3), PANELS, "Validation")).panels;
    // The ELBO rises from −250 in epoch 1 to −170 in epoch 5 and −162.5 in epoch 8. The third run has 2 nats more.
    expect(Math.min(...y.values)).toBeGreaterThan(-190);
    expect(Math.max(...y.values)).toBeGreaterThanOrEqual(-162);
  });

  it.each([1, 2, 10, 12, 30])("distinguish %i runs by colours and dashes", async (count) => {
    const svg = await comparisonCurves(curves(count), PANELS, "Validation");
    expect(new Set(readComparison(svg).styles).size).toBe(count);
    const [page] = parseXml(svg);
    expect(Number(page.attributes.width)).toBeLessThan(1100);
  });

  it("draw runs with the same label in one colour", async () => {
    const { labels, panels } = readComparison(
      await comparisonCurves(
        curves(6, 8, (i) => `beta=${i % 2}`),
        PANELS,
        "Validation",
      ),
    );
    expect(labels).toEqual(["beta=0", "beta=1"]);
    expect(panels[0].lines).toHaveLength(6);
    expect(new Set(panels[0].lines.map(({ attributes }) => attributes.stroke)).size).toBe(2);
  });

  it("show single epochs, runs of different lengths, and missing values", async () => {
    const broken = { objective: NaN, elbo: NaN, reconstruction: -Infinity, kl: Infinity };
    const [one] = curves(1, 1);
    const gaps = { label: "gaps", epochs: [{ epoch: 1, terms: broken }] };
    const { panels } = readComparison(await comparisonCurves([one, ...curves(1, 9, () => "long"), gaps], PANELS, "x"));
    expect(panels[0].points.map(({ length }) => length)).toEqual([1, 9, 0]);
    for (const only of [one, gaps]) {
      const svg = await comparisonCurves([only], PANELS, "x");
      expect(() => parseXml(svg)).not.toThrow();
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });

  it("are the same text each time, for any label", async () => {
    const odd = [' <&"\u001b\ud800\ufffe', "constructor", "__proto__", "x".repeat(300)];
    const draw = () =>
      comparisonCurves(
        curves(4, 3, (i) => odd[i]),
        PANELS,
        "x",
      );
    const once = await draw();
    expect(await draw()).toBe(once);
    expect(readComparison(once).labels).toHaveLength(4);
  });
});
