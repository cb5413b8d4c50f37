// NOTICE names every package that is bundled or installed with this one, under its licence.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ALLOWED = [
  "(Apache-2.0 AND BSD-3-Clause)",
  "(MIT OR CC0-1.0)",
  "0BSD",
  "Apache-2.0",
  "Apache-2.0 AND LGPL-3.0-or-later", // sharp's build of libvips, a shared library
  "Apache-2.0 AND LGPL-3.0-or-later AND MIT",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "LGPL-3.0-or-later",
  "MIT",
];

type Package = { readonly name: string; readonly licence: string };

/** The packages that package-lock.json installs without dev dependencies, on any platform. */
function installed(): Package[] {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { readonly dev?: boolean; readonly license?: string }>;
  };
  return Object.entries(packages)
    .filter(([place, { dev }]) => place !== "" && !dev)
    .map(([place, { license }]) => ({ name: place.split("node_modules/").at(-1) as string, licence: String(license) }));
}

/** The packages that the build bundles. */
function bundled(): Package[] {
  const files = readdirSync("dist", { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".licences.txt"),
  );
  const texts = files.map((file) => readFileSync(path.join("dist", file), "utf8"));
  const heads = texts.flatMap((text) => text.split(`\n${"-".repeat(80)}\n`)).map((part) => part.split("\n")[0]);
  return heads.map((head) => {
    const [, name, licence] = /^(\S+) \S+, (.+)$/.exec(head) ?? [];
    return { name, licence };
  });
}

/** Parses the lines "licence: name, name" of a section. A name may end in the wildcard *. */
function section(title: string): Package[] {
  const [, rest] = readFileSync("NOTICE", "utf8").split(new RegExp(`^${title}\n-+\n`, "m"));
  const [text] = rest.split(/\n.+\n-+\n/); // up to the next heading
  return [...text.matchAll(/^([^\n:]+): ((?:.+\n {2})*.+)$/gm)].flatMap(([, licence, names]) =>
    names.split(/,\s+/).map((name) => ({ name, licence })),
  );
}

const covers = (entry: Package, { name, licence }: Package) =>
  entry.licence === licence &&
  (entry.name.endsWith("*") ? name.startsWith(entry.name.slice(0, -1)) : name === entry.name);

describe.each([
  ["Contained in this package", bundled],
  ["Installed with this package", installed],
])("NOTICE: %s", (title, list) => {
  it("names all packages, each with its licence, and no others", () => {
    const [packages, entries] = [list(), section(title)];
    expect(packages.length).toBeGreaterThan(20);
    const unnamed = packages.filter((one) => !entries.some((entry) => covers(entry, one)));
    expect(unnamed, "missing in NOTICE").toEqual([]);
    const stale = entries.filter((entry) => !packages.some((one) => covers(entry, one)));
    expect(stale, "only in NOTICE").toEqual([]);
  });

  it("has only allowed licences", () => {
    expect(list().filter(({ licence }) => !ALLOWED.includes(licence))).toEqual([]);
  });
});
