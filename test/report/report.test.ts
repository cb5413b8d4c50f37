// Reports of trained runs: the file, its texts and pictures, without a browser.
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReport, loadModel } from "../../src/index.js";
import { chooseEpochs } from "../../src/report/epoch-pictures.js";
import { html, jsonMarkup, scriptMarkup } from "../../src/report/html.js";
import { copyTiny } from "../helpers.js";
import { vae } from "../vae.js";

let home: string;
const at = (...place: string[]) => path.join(home, ...place);
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "vae-report-"));
  copyTiny(home);
});
afterAll(() => rmSync(home, { recursive: true }));

/** The report of the small run, created once. */
let tiny: Promise<{ html: string; text: string; notes: readonly string[] }> | undefined;
function tinyReport() {
  tiny ??= reportOf("run");
  return tiny;
}

async function reportOf(run: string): Promise<{ html: string; text: string; notes: readonly string[] }> {
  await using model = await loadModel(at(run));
  const report = await createReport(model);
  return { ...report, text: textOf(report.html) };
}

/** The text of a page without its script, style and tags. */
function textOf(html: string): string {
  const words = html.replace(/<(script|style)\b.*?<\/\1>/gs, " ").replace(/<[^>]*>/g, " ");
  const plain = words
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"');
  return plain.replaceAll("&amp;", "&").replace(/\s+/g, " ");
}

const nats = (value: number) => value.toFixed(2).replace("-", "−");

describe("a report", () => {
  it("says what was trained on what, how to repeat it, and the numbers", async () => {
    const { text, notes } = await tinyReport();
    const { test } = JSON.parse(readFileSync(at("run", "test.json"), "utf8"));
    expect(notes).toEqual([]);
    expect(text).toContain("Variational autoencoder with 2 latent dimensions");
    expect(text).toContain("550 training, 50 validation and 120 test images of 7×7 in grey");
    expect(text).toContain(`vae train --preset tutorial --dataset ${at("tiny")}`);
    for (const number of [-test.elbo, test.reconstruction, test.kl]) expect(text).toContain(nats(number));
    for (const [name, value, usual] of [
      ["nHidden", "16", "500, 500"],
      ["epochs", "2", "20"],
    ]) {
      expect(text).toContain(`${name} ${value} ${usual}`);
    }
    const { settings } = JSON.parse(readFileSync(at("run", "config.json"), "utf8"));
    expect(text).toContain(`All ${Object.keys(settings).length} settings`);
    expect(text).toContain("1 nat is 1.44 bits");
  });

  it("has no addresses, and allows only its own script and style", async () => {
    const { html } = await tinyReport();
    const page = html.replace(/ data:image\/\w+(\+xml)?;base64,[\w+/=]*/g, "");
    expect(page.match(/(src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(page.match(/@import|url\(/g)).toBeNull();
    expect(page.match(/ (style|on\w+)="/g)).toBeNull();
    const policy = html.match(/Content-Security-Policy" content="([^"]*)"/)?.[1];
    const hash = (tag: RegExp) => {
      const found = [...html.matchAll(tag)];
      expect(found).toHaveLength(1);
      return `'sha256-${createHash("sha256").update(found[0][1]).digest("base64")}'`;
    };
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${hash(/<script type="module">(.*?)<\/script>/gs)}`,
      `style-src ${hash(/<style>(.*?)<\/style>/gs)}`,
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it("contains the pictures of the training's epochs, and of the best weights", async () => {
    const { html } = await tinyReport();
    const pictures = [...html.matchAll(/data:image\/png;base64,([\w+/=]*)" width="(\d+)" height="(\d+)"/g)];
    const files = pictures.map(([, base64, width, height]) => {
      const png = PNG.sync.read(Buffer.from(base64, "base64"));
      expect([png.width, png.height].map(String)).toEqual([width, height]);
      return base64;
    });
    const file = (name: string) => readFileSync(at("run", "pictures", name)).toString("base64");
    const names = ["inputs.png", "reconstructions/001.png", "reconstructions/002.png", "progress.png"];
    expect(files.slice(0, 4)).toEqual(names.map(file));
    expect(files.slice(4)).toEqual(["samples/002.png", "manifold/002.png"].map(file)); // epoch 2 is the best
    expect(
      [...html.matchAll(/data-epoch="(\d)"[^>]*?(hidden)?>/g)].map(([, epoch, hidden]) => [epoch, hidden]),
    ).toEqual([
      ["1", "hidden"],
      ["2", undefined],
    ]);
  });

  it("shows the last evaluation of test images, unless the weights are of another epoch since", async () => {
    expect((await tinyReport()).text).not.toContain("Active units");
    const evaluate = (...args: string[]) => vae(["evaluate", "--run", "run", ...args], home);
    const { stdout } = await evaluate("--json");
    for (const other of [
      ["--split", "train", "--n", "20"],
      ["--dataset", "tiny/t10k-images-idx3-ubyte"],
    ]) {
      expect(await evaluate(...other)).toMatchObject({ code: 0 });
    }
    const { text } = await reportOf("run");
    const { elbo, activeUnits, mutualInformation, probes } = JSON.parse(stdout);
    expect(text).toContain("From vae evaluate, on 120 test images. Bounds and divergences are in nats per image.");
    expect(text).toContain(`−ELBO ${nats(-elbo)} an upper bound`);
    expect(text).toContain(`Active units ${activeUnits} of 2 latent dimensions`);
    expect(text).toContain(`I(x; z) ${nats(mutualInformation.nats)}`);
    expect(text).toContain(`Linear probe ${(100 * probes.linear.accuracy).toFixed(2)}%`);
    const kept = JSON.parse(readFileSync(at("run", "evaluation.json"), "utf8"));
    writeFileSync(at("run", "evaluation.json"), JSON.stringify({ ...kept, epoch: 1 }));
    expect((await reportOf("run")).text).not.toContain("Active units");
  });

  it("is written for a stopped training, without its data and without pictures", async () => {
    cpSync(at("run"), at("stopped"), { recursive: true });
    for (const name of ["test.json", "pictures"]) rmSync(at("stopped", name), { recursive: true });
    const config = JSON.parse(readFileSync(at("stopped", "config.json"), "utf8"));
    const write = (dataset: string) => {
      const settings = { ...config.settings, dataset, epochs: 5 };
      writeFileSync(at("stopped", "config.json"), JSON.stringify({ ...config, settings }));
    };
    write(at("tiny"));
    const stopped = await reportOf("stopped");
    expect(stopped.text).toContain("2 of 5 epochs, stopped");
    expect(stopped.text).toContain("these are the numbers of the validation images");
    expect(stopped.html).toContain('alt="Reconstructions"');
    write(at("moved"));
    const moved = await reportOf("stopped");
    expect(moved.notes).toEqual([expect.stringMatching(/^The report has no latent plane\. .*cannot be read now/)]);
    expect(moved.text).not.toContain("Latent plane");
    expect(moved.html).toContain('alt="Samples"');
  });

  it("shows the epochs of its weights, though the training has found better ones", async () => {
    cpSync(at("run"), at("improving"), { recursive: true });
    await using model = await loadModel(at("improving"));
    const before = readFileSync(at("improving", "metrics.jsonl"), "utf8").trimEnd();
    const last = JSON.parse(before.split("\n").at(-1) ?? "");
    const later = [false, true].map((isBest, i) => JSON.stringify({ ...last, epoch: 3 + i, isBest }));
    writeFileSync(at("improving", "metrics.jsonl"), [before, ...later].join("\n"));
    writeFileSync(at("improving", "test.json"), JSON.stringify({ epoch: 4, test: last.validation }));
    const { html } = await createReport(model);
    const text = textOf(html);
    expect(text).toContain("Trained for 3 epochs");
    expect(text).toContain("best: epoch 2");
    expect(text).toContain("of epoch 2");
    expect(text).toContain("The weights of epoch 2 are kept");
    expect(text).toContain("There is no test result yet");
  });

  it("shows no pictures through links, and none that are too large together", async () => {
    cpSync(at("run"), at("linked"), { recursive: true });
    const file = (...place: string[]) => at("linked", "pictures", ...place);
    for (const name of ["inputs.png", "reconstructions"]) {
      renameSync(file(name), at(name));
      symlinkSync(at(name), file(name));
    }
    truncateSync(file("progress.png"), 11e6);
    const { html } = await reportOf("linked");
    expect(html).not.toContain("data-epoch");
    expect(html).not.toContain("Reconstructions by epoch");
    expect(html).not.toContain(readFileSync(at("inputs.png")).toString("base64"));
    expect(html.length).toBeLessThan(2e6);
  });

  it.each(["vae", "iwae", "ae"])("is written for a run of an earlier version: %s", async (name) => {
    cpSync("test/fixtures/runs", at("old"), { recursive: true });
    const { text } = await reportOf(path.join("old", name));
    const [numbers] = text.split("The settings that differ");
    expect(numbers).toMatch(name === "ae" ? /Plain autoencoder/ : /variational autoencoder/i);
    expect(numbers.includes("−ELBO")).toBe(name !== "ae");
    expect(numbers.includes("KL")).toBe(name !== "ae");
    expect(numbers.includes("−L5 ")).toBe(name === "iwae");
  });
});

describe("vae report", () => {
  it("writes report.html into the run, or --out", async () => {
    expect(await vae(["report", "--run", "run"], home)).toEqual({ code: 0, stdout: "run/report.html\n", stderr: "" });
    expect(await vae(["report", "--run", "run", "--out", "a.html"], home)).toMatchObject({ stdout: "a.html\n" });
    expect(readFileSync(at("a.html"))).toEqual(readFileSync(at("run", "report.html")));
    expect(readdirSync(at("run")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("refuses other files, and groups of runs, in one line", async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await vae(["report", ...args], home);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused("--run", "run", "--out", "a.pdf")).toBe(
      "error: --out a.pdf: a report is an HTML file. Give a name that ends in .html.\n",
    );
    expect(await refused("--run", "run", "--out", "none/a.html")).toContain("there is no folder none");
    const sweep = "train --dataset tiny --run group --sweep seed=1,2 --n-hidden 4 --epochs 1 --quiet";
    expect(await vae(sweep.split(" "), home)).toMatchObject({ code: 0 });
    expect(await refused("--run", "group")).toContain("It is a group of runs: give the folder of one of them.");
  });
});

describe("hostile texts", () => {
  const texts = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'><img src=x onerror=alert(1)>",
    "&amp;\u202e\0",
  ];

  it.each(texts)("stay texts in HTML and in JSON: %j", (text) => {
    const { markup } = html`<p title="${text}">${[text]}</p>`;
    expect(markup).toMatch(/^<p title="[^<>"]*">[^<>]*<\/p>$/);
    const { markup: json } = jsonMarkup({ [text]: text });
    expect(json).not.toContain("<");
    expect(JSON.parse(json)).toEqual({ [text]: text });
  });
});

describe("a script in HTML", () => {
  it("neither ends nor comments out its element, and computes the same", () => {
    const source = 'return ["</script>", "</SCRIPT >", "<!--<script>", 1<2, /<\\/script|<!--/u.test("<!--")]';
    const { markup } = scriptMarkup(source);
    expect(markup).not.toMatch(/<\/script|<!--/i);
    expect(new Function(markup)()).toEqual(new Function(source)());
  });
});

describe("the epochs of a report", () => {
  const epochs = (count: number, bytes: number) => Array.from({ length: count }, (_, i) => ({ epoch: i + 1, bytes }));
  const chosen = (...given: Parameters<typeof epochs>) =>
    chooseEpochs(epochs(...given), 1000).map(({ epoch }) => epoch);

  it("are all, if they fit", () => {
    expect(chosen(10, 100)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(chosen(0, 100)).toEqual([]);
  });

  it("are the last, the first, and some between at growing distances", () => {
    expect(chosen(1000, 2000)).toEqual([1000]);
    expect(chosen(1000, 500)).toEqual([1, 1000]);
    const some = chosen(1000, 100);
    expect(some).toHaveLength(10);
    expect([some[0], some[9]]).toEqual([1, 1000]);
    const growth = some.slice(1).map((epoch, i) => epoch / some[i]);
    expect(Math.max(...growth)).toBeLessThanOrEqual(4); // 1000 ** (1 / 9) = 2.15
  });
});
