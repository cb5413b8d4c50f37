// The shell of the page of `vae explore`, and its Runs view, as a user sees them in a browser.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
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
    expect(await page.title()).toBe("Plane · runs/ae");
    await page.getByRole("combobox", { name: "Run", exact: true }).selectOption("runs/line");
    await page.getByRole("heading", { name: "runs/line" }).waitFor();
    await page.close();
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
    const numbers = tests.map((text) => Number.parseFloat(text.replace("−", "-")));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const settings = "--n-hidden 16 --batch-size 50 --epochs 5000 --quiet".split(" ");
    const { child, outcome } = start(["train", "--dataset", "tiny", "--run", "runs/live", ...settings], home);
    const row = table.getByRole("row").filter({ hasText: "runs/live" });
    await row.getByText("training").waitFor();
    const epochs = async () => Number(await row.locator("td[data-title=Epochs]").textContent());
    const before = await epochs();
    await expect.poll(epochs, { timeout: 20_000 }).toBeGreaterThan(before);
    child.kill("SIGINT");
    await outcome;
    await row.getByText("stopped").waitFor();
    await table.getByRole("link", { name: "Compare runs/ae" }).click();
    await page.getByRole("application").nth(1).waitFor();
    await page.goBack();
    await table.getByRole("link", { name: "Open runs/line" }).click();
    await page.getByRole("heading", { name: "runs/line" }).waitFor();
    await page.close();
  });

  it("says in one line what is wrong", async () => {
    const page = await explorer.open("#plane?run=runs/none");
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toBe(
      "runs/none is not among the runs. Choose another one above.",
    );
    await page.close();
  });
});
