// A report as one HTML file, whose policy allows its own script, style and pictures only.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { readText } from "../files/read.js";
import type { ReportContents } from "./contents.js";
import { type Html, html, jsonMarkup, scriptMarkup, trusted } from "./html.js";

/** The bundles of the build, from dist/report/ and from src/report/ alike. */
const PAGE = new URL("../../dist/page/", import.meta.url);
const MAX_BUNDLE_BYTES = 5e6;

/** @param contents for the script @param body readable without it */
export async function createDocument(title: string, body: Html, contents: ReportContents): Promise<string> {
  const style = await readBundle("report.css");
  const script = scriptMarkup(await readBundle("report.js"));
  const licences = scriptMarkup(await readBundle("report.licences.txt")); // which the bundled packages require of copies
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script.markup)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
${body}
<script type="application/json" id="contents">${jsonMarkup(contents)}</script>
<script type="module">${script}</script>
<script type="text/plain" id="licences">${licences}</script>
</body>
</html>
`.markup;
}

function readBundle(name: string): Promise<string> {
  return readText(fileURLToPath(new URL(name, PAGE)), MAX_BUNDLE_BYTES, "a part of the page");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
