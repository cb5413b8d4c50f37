// The page of a real `vae explore` in headless Chromium.
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Result } from "axe-core";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { copyTiny } from "../helpers.js";
import { start, vae } from "../vae.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce" | "no-preference";
  readonly hasTouch?: boolean;
}

/** Runs in a page before its own script: counts requests until the page has used the answer, and keeps decoded z. */
const MONITOR = `{
  const { fetch } = globalThis;
  globalThis.requests = { open: 0, decoded: [] };
  globalThis.fetch = async (address, init) => {
    const end = () => setTimeout(() => { requests.open -= 1; });
    requests.open += 1;
    try {
      const response = await fetch(address, init);
      const { call, z } = JSON.parse(init?.body ?? "{}");
      const json = response.json.bind(response);
      response.json = async () => {
        try {
          const answer = await json();
          if (call === "decode" && z.shape[0] === 1) requests.decoded.push(z.base64);
          return answer;
        } finally {
          end();
        }
      };
      return response;
    } catch (error) {
      end();
      throw error;
    }
  };
}`;

const SETTLED = `(async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let idle = 0; idle < 4; idle = requests.open > 0 ? 0 : idle + 1) await frame();
})()`;

/** Waits until a page has received and drawn all that it requested. Effects, which request more, need some frames. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(SETTLED);
}

/** The latent vectors whose images a page has received one by one, in base64. */
export function decodedOf(page: Page): Promise<string[]> {
  return page.evaluate<string[]>("requests.decoded");
}

/** A running `vae explore` and a browser. */
export class Explorer {
  /** Errors on the pages' consoles, such as violations of the Content-Security-Policy. */
  readonly problems: string[] = [];

  private constructor(
    /** The address of the page, with its token. */
    readonly url: string,
    private readonly browser: Browser,
    private readonly stop: () => Promise<unknown>,
  ) {}

  /**
   * @param program path of the browser's program
   * @param cwd the folder to run `vae explore …args` in
   */
  static async start(program: string, cwd: string, ...args: string[]): Promise<Explorer> {
    const { child, outcome } = start(["explore", ...args], cwd);
    const stop = () => {
      child.kill();
      return outcome;
    };
    const ended = outcome.then(({ stderr }) => Promise.reject(new Error(`vae explore ended: ${stderr}`)));
    const [[line], browser] = await Promise.all([
      Promise.race([once(child.stdout, "data"), ended]),
      chromium.launch({ executablePath: find(program), args: ["--no-sandbox"] }),
    ]);
    ended.catch(() => {}); // when it is stopped
    return new Explorer(String(line).trim(), browser, stop);
  }

  /** Opens the page at a hash such as `#plane?run=run`, in a window of its own. */
  async open(hash: string, options?: PageOptions): Promise<Page> {
    const page = await this.blank(options);
    await page.goto(this.url + hash);
    return page;
  }

  /** A blank window, for tests that prepare it before they open the page. */
  async blank({ width = 1280, height = 900, ...options }: PageOptions = {}): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width, height }, ...options });
    await page.addInitScript(MONITOR);
    page.on("pageerror", ({ message }) => this.problems.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
    });
    page.setDefaultTimeout(30_000);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.stop();
  }
}

/** The path of a program: the browser is started without a shell. */
function find(program: string): string {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.map((folder) => path.resolve(folder, program)).find((file) => existsSync(file)) ?? program;
}

/** Trains small runs in a folder, by the settings of each, and copies a trained one to runs/vae. */
export async function trainTinyRuns(home: string, runs: Readonly<Record<string, string>>): Promise<void> {
  copyTiny(home);
  mkdirSync(path.join(home, "runs"));
  cpSync(path.join(home, "run"), path.join(home, "runs/vae"), { recursive: true });
  for (const [run, settings] of Object.entries(runs)) {
    const args = `train --dataset tiny --run ${run} ${settings} --n-hidden 8 --epochs 1 --batch-size 50 --quiet`;
    const { code, stderr } = await vae(args.split(" "), home);
    if (code !== 0) throw new Error(stderr);
  }
}

/** What is read of a canvas: tests are compiled without the types of browsers. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: ArrayLike<number> };
  };
}

/** The pixels of a canvas: its size, and its bytes of red, green and blue. */
export function pixelsOf(canvas: Locator): Promise<{ width: number; height: number; rgb: number[] }> {
  return canvas.evaluate((element: unknown) => {
    const { width, height } = element as Canvas;
    const { data } = (element as Canvas).getContext("2d").getImageData(0, 0, width, height);
    return { width, height, rgb: Array.from(data).filter((_, i) => i % 4 < 3) };
  });
}

/** Counts the pixels of a large canvas: all, the coloured ones, and the opaque ones. */
export function countPixels(canvas: Locator): Promise<{ all: number; coloured: number; opaque: number }> {
  return canvas.evaluate((element: unknown) => {
    const { width, height } = element as Canvas;
    const { data } = (element as Canvas).getContext("2d").getImageData(0, 0, width, height);
    let [coloured, opaque] = [0, 0];
    for (let i = 0; i < data.length; i += 4) {
      if (Math.abs(data[i] - data[i + 2]) > 40) coloured += 1;
      if (data[i + 3] === 255) opaque += 1;
    }
    return { all: width * height, coloured, opaque };
  });
}

/** The serious and critical violations of accessibility rules that axe-core finds on a page. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate<Result[]>("axe.run().then(({ violations }) => violations)");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join("\n")}`);
}

/** By how many pixels the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
}
