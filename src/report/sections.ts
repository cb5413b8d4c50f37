// The sections of a report as HTML. The markup has all numbers and pictures, for readers without scripts and for print.
import { VERSION } from "../version.js";
import type { Drawing, EpochPicture } from "./epoch-pictures.js";
import type { Row, SettingRow } from "./facts.js";
import { dataUrl, type Html, html } from "./html.js";
import type { KeyNumber, ReadEvaluation } from "./numbers.js";

export function header(data: string, model: string, summary: string): Html {
  return html`<header><p class="kicker">Training report</p><h1>${data}</h1><p class="lead">${model}</p>
<p class="muted">${summary}</p></header>`;
}

export function section(id: string, title: string, ...content: (Html | undefined)[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}
</section>`;
}

export function paragraph(text: string): Html {
  return html`<p class="note">${text}</p>`;
}

/** Names and values. */
export function facts(rows: readonly Row[]): Html {
  return html`<dl class="facts">${rows.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>\n`)}</dl>`;
}

/** The script adds a button that copies it. */
export function command(text: string): Html {
  return html`<div class="command"><pre><code id="command">${text}</code></pre></div>`;
}

export function numberTiles(numbers: readonly KeyNumber[]): Html {
  const tile = ({ name, value, detail }: KeyNumber) =>
    html`<div><dt>${name}</dt><dd><strong>${value}</strong> <span>${detail}</span></dd></div>\n`;
  return html`<dl class="tiles">${numbers.map(tile)}</dl>`;
}

/** A picture that the script replaces by a live one, except in print. */
export function live(id: string, svg: string, alt: string): Html {
  return html`<figure id="${id}" class="live"><img class="still" src="${dataUrl("image/svg+xml", svg)}" alt="${alt}"></figure>`;
}

export function figure(caption: string, alt: string, { png, width, height }: Drawing): Html {
  return html`<figure><img class="images" src="${dataUrl("image/png", png)}" width="${width}" height="${height}" alt="${alt}">
<figcaption>${caption}</figcaption></figure>`;
}

/** The pictures of several epochs, of which the last is visible. The script adds a slider. */
export function epochFigure(pictures: readonly EpochPicture[]): Html {
  const last = pictures.length - 1;
  const one = ({ epoch, png, width, height }: EpochPicture, i: number) =>
    html`<img class="images" src="${dataUrl("image/png", png)}" width="${width}" height="${height}" data-epoch="${epoch}"
alt="Reconstructions after epoch ${epoch}"${i < last && html` hidden`}>\n`;
  return html`<figure id="epochs">${pictures.map(one)}
<figcaption>Reconstructions after epoch <span id="epoch">${pictures[last]?.epoch}</span></figcaption></figure>`;
}

/** Figures next to each other, if they fit. */
export function pair(...figures: (Html | undefined)[]): Html {
  return html`<div class="pair">${figures}</div>`;
}

export function measureTable({ measures }: ReadEvaluation): Html {
  const row = ([name, value, meaning]: readonly string[]) =>
    html`<tr><th scope="row">${name}</th><td class="number">${value}</td><td>${meaning}</td></tr>\n`;
  return table(["Measure", "Value", "Meaning"], measures.map(row), "Value");
}

export function settingTable(rows: readonly SettingRow[]): Html {
  const row = ([name, value, defaultValue, help]: SettingRow) =>
    html`<tr><th scope="row"><code>${name}</code></th><td><code>${value}</code></td><td><code>${defaultValue}</code></td>
<td>${help}</td></tr>\n`;
  return table(["Setting", "Value", "Default", "Meaning"], rows.map(row));
}

/** @param numbers the title of the column of numbers */
function table(titles: readonly string[], rows: readonly Html[], numbers?: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${titles[0]}s"><table><thead><tr>${titles.map(
    (title) => html`<th scope="col"${title === numbers && html` class="number"`}>${title}</th>`,
  )}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

export function disclosure(summary: string, content: Html): Html {
  return html`<details><summary>${summary}</summary>${content}</details>`;
}

export function footer(): Html {
  return html`<footer class="muted">Written by vae ${VERSION}. This file works without a network.</footer>`;
}
