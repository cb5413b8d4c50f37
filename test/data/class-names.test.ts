// Classes with odd names: properties of every object, numbers, and names that contain commas, quotes or blanks.
import { beforeAll, describe, expect, it } from "vitest";
import * as datasets from "../../src/data/datasets.js";
import { vae } from "../vae.js";
import { at, load, png, useHome } from "./cases.js";

useHome({ isShared: true });
beforeAll(() => writeFolders());

const NAMES = [
  ...["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "length", "0", "-1", "01", "null"],
  ...["all", "a,b", " a", "a ", '"quoted"', 'a"b', " ", "'", "b"],
];
/** Images of each class: the first has 4, the next 5, … */
const COUNTS = new Map(NAMES.map((name, i) => [name, 4 + (i % 5)]));

async function writeFolders(): Promise<void> {
  let number = 0;
  for (const [name, count] of COUNTS) {
    for (let i = 0; i < count; i++) await png(`data/${name}/${number}.png`, number++ % 24);
  }
}

/** The class of each image, by the data set and by the name of its file. */
function labelsOf(data: datasets.Dataset): { label: string | undefined; folder: string | undefined }[] {
  return [data.train, data.validation, data.test].flatMap(({ count, labels, origin }) =>
    Array.from({ length: count }, (_, i) => ({
      label: data.classes?.[labels?.[i] ?? Number.NaN],
      folder: origin?.(i).file?.split("/")[0],
    })),
  );
}

describe("classes with odd names", () => {
  it("have distinct labels and exact counts", async () => {
    const labels = labelsOf(await load("data"));
    expect(labels.map(({ label }) => label)).toEqual(labels.map(({ folder }) => folder));
    const { classes = {} } = await datasets.inspect(at("data"));
    expect(new Map(Object.entries(classes))).toEqual(COUNTS);
    const { classes: few = {} } = await datasets.inspect(at("data"), { classes: ["b"] });
    expect(few.constructor).toBeUndefined();
    const { stdout } = await vae(["data", at("data"), "--json"], at());
    expect(new Map(Object.entries(JSON.parse(stdout).classes))).toEqual(COUNTS);
  });

  it.each([
    [
      "in the library, one by one",
      NAMES.map((name) => [name]).filter(([name]) => name !== "all"),
      NAMES.filter((name) => name !== "all"),
    ],
    ["in the library, in quotes", NAMES.map((name) => [`"${name.replaceAll('"', '""')}"`]), NAMES],
  ])("are chosen %s", async (_, items, names) => {
    for (const [i, classes] of items.entries()) {
      const exact = names[i] === '"quoted"' && classes[0] === '"quoted"' ? undefined : names[i];
      if (exact === undefined) await expect(load("data", { classes })).rejects.toThrow("has no class quoted.");
      else
        expect(new Set(labelsOf(await load("data", { classes })).map(({ folder }) => folder))).toEqual(
          new Set([exact]),
        );
    }
  });

  it.each([
    ['"all"', { all: COUNTS.get("all") }],
    ['"a,b",b', { "a,b": COUNTS.get("a,b"), b: COUNTS.get("b") }],
    [
      '__proto__ , " a","a ",constructor',
      { constructor: COUNTS.get("constructor"), " a": 6, "a ": 7, ["__proto__"]: 5 },
    ],
    ['"""quoted""",a"b', { '"quoted"': COUNTS.get('"quoted"'), 'a"b': COUNTS.get('a"b') }],
  ])("are chosen by --classes %s", async (classes, counts) => {
    const { stdout, stderr } = await vae(["data", at("data"), "--json", "--classes", classes], at());
    expect(stderr).toBe("");
    expect(new Map(Object.entries(JSON.parse(stdout).classes))).toEqual(new Map(Object.entries(counts)));
  });

  it("are all chosen by all, and errors list them in the form to type", async () => {
    const { stdout } = await vae(["data", at("data"), "--json", "--classes", "all"], at());
    expect(JSON.parse(stdout).train).toBeGreaterThan(COUNTS.size);
    const { code, stderr } = await vae(["data", at("data"), "--classes", "a"], at());
    expect([code, stderr]).toEqual([2, expect.stringContaining("has no class a. It has ")]);
    const listed = stderr.slice(stderr.indexOf("It has ") + 7, -2).split(", ");
    expect(listed).toEqual(expect.arrayContaining(['"all"', '"a,b"', '" a"', '"a "', '"""quoted"""', "constructor"]));
    await expect(load("data", { classes: ["all", "b"] })).rejects.toThrow(
      'all cannot be combined with other texts. If it is a name, put it in double quotes: "all"',
    );
  });

  it("keep their quotes in config.json, in `vae runs` and after a resume", async () => {
    const home = (...args: string[]) => vae(args, at());
    const settings = ["--n-hidden", "4", "--batch-size", "5", "--epochs", "1", "--classes"];
    const chosen = '"a,b",constructor,__proto__,toString,"all"';
    const { code, stderr } = await home("train", "--dataset", "data", "--run", "runs/r", ...settings, chosen);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect((await home("runs")).stdout).toContain(`classes=${chosen} `);
    expect((await home("train", "--resume", "runs/r", "--epochs", "2", "--classes", chosen)).code).toBe(0);
    expect((await home("train", "--resume", "runs/r", "--classes", "all")).stderr).toContain(
      `keeps its settings: --classes ${chosen}, not all.`,
    );
    const { stdout } = await home("encode", "--run", "runs/r", "--split", "train", "--format", "jsonl");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.class)).toEqual(lines.map((line) => line.file.split("/")[0]));
    expect(new Set(lines.map((line) => line.class)).size).toBe(5);
  });
});
