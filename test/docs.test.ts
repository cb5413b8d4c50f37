import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// @ts-expect-error: JavaScript without types, as it is run without a build of its own
import { settingsPage, settingsSchema } from "../docs/make.js";

it("docs/settings.md says what the table of settings does (npm run docs)", () => {
  expect(readFileSync("docs/settings.md", "utf8")).toBe(settingsPage());
});

it("docs/settings.schema.json does too", () => {
  expect(readFileSync("docs/settings.schema.json", "utf8")).toBe(settingsSchema());
});
