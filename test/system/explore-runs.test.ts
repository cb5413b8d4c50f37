// The shell of the page of `vae explore`, and its Runs view, as a user sees them in a browser.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Request } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from "vitest";
import { Explorer, trainTinyRuns } from "../browser/explorer.js";
import { start } from "../vae.js";

const browser = inject("browser");

const RUNS = { "runs/ae": "--model ae", "runs/line": "--dim-z 1" };
const ALL = [...Object.keys(RUNS), "runs/vae"];

let home: string;
let explorer: Explorer;

beforeAll(async () => {
  if (!browser) return;
  home = mkdtempSync(path.join(tmpdir(), "vae-runs-"));
  await trainTinyRuns(home, RUNS);
  explorer = await Explorer.start(browser, home);
});
afterAll(async () => {
  await explorer?.close();
  if (home) rmSync(home, { recursive: true });
});

describe.skipIf(!browser)("the page of vae explore", () => {
  beforeEach(() => {
    explorer.problems.length = 0;
    return () => expect(explorer.problems).toEqual([]);
  });

  it("keeps the view and the run in the address", async () => {
    const page = await explorer.open("#plane?run=runs/ae");
    await page.getByRole("application").waitFor();
    await page.getByRole("link", { name: "Runs", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("table", { name: "Runs" }).waitFor();
    expect(await page.getByRole("link", { name: "Runs", exact: true }).getAttribute("aria-current")).toBe("page");
    await page.reload();
    await page.getByRole("table", { name: "Runs" }).waitFor();
    expect(await page.getByRole("combobox", { name: "Run", exact: true }).inputValue()).toBe("runs/ae");
    await page.goBack();
    await page.getByRole("application").waitFor();
    await expect.poll(() => page.title()).toBe("Plane · runs/ae");
    await page.getByRole("combobox", { name: "Run", exact: true }).selectOption("runs/line");
    await page.getByRole("heading", { name: "runs/line" }).waitFor();
    await page.close();
  });

  it("writes the run that the server chose into the address", async () => {
    const page = await explorer.open("");
    await page.waitForURL(/#plane\?run=runs%2F/);
    await page.goBack();
    expect(page.url()).toBe("about:blank");
    await page.close();
  });

  it("keeps event streams of the shown runs only, and none while the page is hidden", async () => {
    const page = await explorer.blank();
    const streams = new Set<string>();
    const runOf = (request: Request) => /events\?run=(.*)/.exec(decodeURIComponent(request.url()))?.[1] ?? "";
    page.on("request", (request) => runOf(request) && streams.add(runOf(request)));
    page.on("requestfailed", (request) => streams.delete(runOf(request)));
    page.on("requestfinished", (request) => streams.delete(runOf(request)));
    await page.goto(`${explorer.url}#runs?run=runs/ae`);
    const choice = page.getByRole("combobox", { name: "Run", exact: true });
    const open = () => [...streams];
    await expect.poll(open).toEqual(["runs/ae"]);
    await choice.selectOption("runs/line");
    await expect.poll(open).toEqual(["runs/line"]);
    await choice.selectOption("runs/vae");
    await expect.poll(open).toEqual(["runs/vae"]);
    await choice.selectOption("runs/line");
    await expect.poll(open).toEqual(["runs/line"]);
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await hide(true);
    await expect.poll(open).toEqual([]);
    await hide(false);
    await expect.poll(open).toEqual(["runs/line"]);
    await page.close();
  });

  it("loads weights that were saved while the page received no events", async () => {
    const page = await explorer.blank();
    const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    await page.route("**/events?**", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: `retry: 100\n\n${event("weights", { epoch: 99 })}` }),
    );
    const calls: string[] = [];
    page.on("request", (request) => {
      if (request.postData()?.includes("latents")) calls.push(request.postDataJSON().run);
    });
    await page.goto(`${explorer.url}#runs?run=runs/line`);
    await expect.poll(() => calls.filter((run) => run === "runs/line").length).toBeGreaterThan(1);
    await page.close();
  });

  it("says that a run's progress is not available, and recovers", async () => {
    const page = await explorer.blank();
    await page.route("**/events?**", (route) => route.fulfill({ status: 503, body: "{}" }));
    await page.goto(`${explorer.url}#training?run=runs/line`);
    const problem = page.getByRole("alert").filter({ hasText: "The progress of this run is not available." });
    await problem.waitFor();
    await page.unroute("**/events?**");
    await page.getByRole("combobox", { name: "Run", exact: true }).selectOption("runs/vae");
    await page.getByRole("combobox", { name: "Run", exact: true }).selectOption("runs/line");
    await page.getByRole("region", { name: "State" }).waitFor();
    expect(await problem.count()).toBe(0);
    await page.close();
    expect(explorer.problems.splice(0).every((line) => line.includes("503"))).toBe(true);
  });

  it("sorts the runs, opens and compares them, and follows a training", async () => {
    const page = await explorer.open("#runs?run=runs/vae");
    const table = page.getByRole("table", { name: "Runs" });
    await table.waitFor();
    const names = () => table.getByRole("rowheader").allTextContents();
    expect((await names()).sort()).toEqual(ALL);
    await table.getByRole("button", { name: "Run", exact: true }).click();
    expect(await names()).toEqual(ALL);
    await table.getByRole("button", { name: "Test", exact: true }).click();
    const tests = await table.locator("td[data-title=Test]").allTextContents();
    const numbers = tests.map((text) => Number(text.replace("no KL ", "").replace("−", "-")));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const settings = "--n-hidden 16 --batch-size 50 --epochs 1000000 --quiet".split(" ");
    const { child, outcome } = start(["train", "--dataset", "tiny", "--run", "runs/live", ...settings], home);
    onTestFinished(() => {
      child.kill();
    });
    const row = table.getByRole("row").filter({ hasText: "runs/live" });
    await row.getByText("Training").waitFor();
    const epochs = async () => Number(await row.locator("td[data-title=Epochs]").textContent());
    const before = await epochs();
    await expect.poll(epochs).toBeGreaterThan(before);
    // Its views follow the weights.
    await table.getByRole("link", { name: "Open runs/live" }).click();
    await page.getByRole("application").waitFor();
    const epoch = async () => Number(/epoch (\d+)/.exec((await page.locator("summary").textContent()) ?? "")?.[1]);
    const first = await epoch();
    await expect.poll(epoch).toBeGreaterThan(first);
    child.kill("SIGINT");
    await outcome;
    await page.goBack();
    await row.getByText("Stopped").waitFor();
    await table.getByRole("link", { name: "Compare runs/ae" }).click();
    await page.getByRole("application").nth(1).waitFor();
    await page.goBack();
    await table.getByRole("link", { name: "Open runs/line" }).click();
    await page.getByRole("heading", { name: "runs/line" }).waitFor();
    await page.close();
  });

  it("says in one line what is wrong, and what to do", async () => {
    const page = await explorer.open("#plane?run=runs/none");
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toBe("There is no run runs/none. Choose another one above.");
    await page.getByRole("link", { name: "Training" }).click();
    await expect.poll(() => page.title()).toBe("Training · runs/none");
    expect(await page.locator(".skeleton").count()).toBe(0); // nothing comes
    await page.route("**/model", (route) => route.abort());
    await page.goto(`${explorer.url}#plane?run=runs/vae`);
    const ended = "vae explore has ended. Start it again, and open the address it prints.";
    await page.getByRole("alert").filter({ hasText: ended }).waitFor();
    await page.close(); // no problem comes later
    expect(explorer.problems.splice(0).every((problem) => problem.includes("ERR_FAILED"))).toBe(true);
  });
});
