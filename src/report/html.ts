// HTML from templates. Texts are escaped, and cannot end an element or start a script.
import { visible } from "../wording.js";

/** Markup that is inserted as it is. */
export class Html {
  constructor(readonly markup: string) {}
}

type Insertion = Html | string | number | false | undefined | readonly Insertion[];

/** Tags a template whose insertions are escaped texts, markup, or lists of these. Inserts nothing for undefined. */
export function html(texts: TemplateStringsArray, ...insertions: readonly Insertion[]): Html {
  return new Html(texts.map((text, i) => text + (i < insertions.length ? toMarkup(insertions[i]) : "")).join(""));
}

function toMarkup(insertion: Insertion): string {
  if (insertion === undefined || insertion === false) return "";
  if (insertion instanceof Html) return insertion.markup;
  if (Array.isArray(insertion)) return insertion.map(toMarkup).join("");
  return escapeText(String(insertion));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes a text for elements and quoted attributes, and hidden characters for readers. */
function escapeText(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** Inserts a text of the program itself as markup. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** A script or a text of the program itself for a <script> element. Escapes what would end or change the element. */
export function scriptMarkup(text: string): Html {
  return new Html(text.replace(/<(?=\/script|!--)/gi, "\\x3c"));
}

/** JSON for a <script> element, in which < would start a comment or the end. */
export function jsonMarkup(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));
}

/** The address of a file that is part of the page. */
export function dataUrl(type: "image/png" | "image/svg+xml", content: Uint8Array | string): string {
  return `data:${type};base64,${Buffer.from(content as string).toString("base64")}`;
}
