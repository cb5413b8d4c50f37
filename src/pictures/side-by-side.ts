// Draws pictures and plots of several models in one SVG, a column for each model.
import type { Picture } from "./grid.js";
import { NOT_XML } from "./plots.js";
import { encodePng } from "./png.js";

/** A picture with a title, or a plot as SVG text, which includes its title. */
export type Cell = { readonly title: string; readonly picture: Picture } | { readonly svg: string };

export interface Column {
  readonly title: string;
  readonly subtitle: string;
  readonly cells: readonly Cell[];
}

const WIDTH = 600;
const GAP = 40;
const MARGIN = 24;
const HEADER = 56;
const CELL_TITLE = 26;
/** Maximum characters of a column's title. */
const MAX_TITLE = 56;

/** Draws columns of cells as SVG text. Cells are scaled to the width of a column. */
export function sideBySide(columns: readonly Column[]): string {
  const plots = columns.flatMap(({ cells }) =>
    cells.flatMap((cell) => ("svg" in cell ? [sidesOf(cell.svg).width] : [])),
  );
  const scale = WIDTH / Math.max(...plots, 1); // one scale for all plots, so that their axes are comparable
  const placed = columns.map(({ cells }) => cells.map((cell) => place(cell, scale)));
  const heights = placed[0].map((_, row) => Math.max(...placed.map((cells) => cells[row].height)));
  const tops = heights.map((_, row) => MARGIN + HEADER + sum(heights.slice(0, row)) + row * GAP);
  const width = 2 * MARGIN + columns.length * WIDTH + (columns.length - 1) * GAP;
  const height = MARGIN + HEADER + sum(heights) + (heights.length - 1) * GAP + MARGIN;
  const parts = columns.flatMap(({ title, subtitle }, c) => {
    const left = MARGIN + c * (WIDTH + GAP);
    return [
      text(title, left, MARGIN + 18, 18, "bold"),
      text(subtitle, left, MARGIN + 38, 13),
      ...placed[c].map(({ draw }, row) => draw(left, tops[row], `c${c}r${row}`)),
    ];
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="white"/>${parts.join("")}</svg>`
  );
}

interface Placed {
  readonly height: number;
  draw(left: number, top: number, id: string): string;
}

function place(cell: Cell, scale: number): Placed {
  if ("svg" in cell) return placePlot(cell.svg, scale);
  const { title, picture } = cell;
  const height = Math.round((WIDTH / picture.width) * picture.height);
  const data = Buffer.from(encodePng(picture)).toString("base64");
  return {
    height: CELL_TITLE + height,
    draw: (left, top) =>
      text(title, left, top + 14, 14, "bold") +
      `<image x="${left}" y="${top + CELL_TITLE}" width="${WIDTH}" height="${height}" ` +
      `href="data:image/png;base64,${data}"/>`,
  };
}

function sidesOf(svg: string): { readonly width: number; readonly height: number } {
  const [, width, height] = (/ viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []).map(Number);
  return { width, height };
}

/** Nests another SVG. Its ids get the cell's id as a prefix, to stay unique. */
function placePlot(svg: string, scale: number): Placed {
  const { width, height } = sidesOf(svg);
  const scaled = Math.round(scale * height);
  return {
    height: scaled,
    draw: (left, top, id) =>
      svg
        .replace(
          /<svg [^>]*>/,
          `<svg x="${left}" y="${top}" width="${scale * width}" height="${scaled}" ` +
            `viewBox="0 0 ${width} ${height}">`,
        )
        .replace(/(?<=<clipPath id="|clip-path="url\(#)/g, id),
  };
}

function text(content: string, x: number, y: number, size: number, weight = "normal"): string {
  const cut = content.length > MAX_TITLE && size > 13 ? `…${content.slice(1 - MAX_TITLE)}` : content;
  const escaped = cut.replace(NOT_XML, "").replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const font = `font-family="sans-serif" font-size="${size}" font-weight="${weight}"`;
  return `<text x="${x}" y="${y}" ${font}>${escaped}</text>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
