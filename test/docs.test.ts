import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
// @ts-expect-error: JavaScript without types
import { settingsPage, settingsSchema } from "../docs/make.js";

const DOCUMENTS = [
  "README.md",
  "README.zh-CN.md",
  ...readdirSync("docs").flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

it("docs/settings.md matches the table of settings (npm run docs)", () => {
  expect(readFileSync("docs/settings.md", "utf8")).toBe(settingsPage());
});

it("docs/settings.schema.json matches the table of settings", () => {
  expect(readFileSync("docs/settings.schema.json", "utf8")).toBe(settingsSchema());
});

it.each(DOCUMENTS)("the links of %s lead to existing files, which declare the named functions", (document) => {
  const links = [...readFileSync(document, "utf8").matchAll(/\[([^\]]*)\]\(([^):#]+)(?:#[^)]*)?\)/g)];
  for (const [link, text, target] of links) {
    const file = path.join(path.dirname(document), target);
    expect(existsSync(file), link).toBe(true);
    const [, name] = /^`#?(\w+)`$/.exec(text) ?? [];
    if (name && file.endsWith(".ts")) expect(readFileSync(file, "utf8"), link).toMatch(declarationOf(name));
  }
});

/** Matches the declaration of a function, a constant, or a method or function property of a class. */
function declarationOf(name: string): RegExp {
  return new RegExp(`(function\\*?|const) ${name}\\b|^  (readonly )?#?${name}(\\(| = \\()`, "m");
}
