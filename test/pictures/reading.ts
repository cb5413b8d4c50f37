// Reads pixels, texts and parts of pictures in tests.
import type { Picture } from "../../src/pictures/grid.js";
import { drawText, TEXT_HEIGHT, textWidth } from "../../src/pictures/text.js";

export const at = ({ pixels, width }: Picture, x: number, y: number) => pixels[y * width + x];

const TEXT = 230;
export function write(text: string): Picture {
  const [width, height] = [textWidth(text), TEXT_HEIGHT];
  const picture = { width, height, channels: 1, pixels: new Uint8Array(width * height) };
  drawText(picture, text, 0, 0, TEXT);
  return picture;
}

/** The centres of all exact occurrences of a text in a picture. */
export function find(picture: Picture, text: string): { x: number; y: number }[] {
  const written = write(text);
  const dots = [...written.pixels].map((grey, i) => [i % written.width, Math.floor(i / written.width), grey] as const);
  const found = [];
  for (let top = 0; top <= picture.height - written.height; top++) {
    for (let left = 0; left <= picture.width - written.width; left++) {
      if (dots.every(([x, y, grey]) => (at(picture, left + x, top + y) === TEXT) === (grey === TEXT))) {
        found.push({ x: left + written.width / 2, y: top + written.height / 2 });
      }
    }
  }
  return found;
}

export function crop(
  { pixels, width: full }: Picture,
  left: number,
  top: number,
  width: number,
  height: number,
): Picture {
  const part = Uint8Array.from(
    { length: width * height },
    (_, i) => pixels[(top + Math.floor(i / width)) * full + left + (i % width)],
  );
  return { pixels: part, width, height, channels: 1 };
}

/** The number of text pixels of pictures. */
export const dots = (...pictures: Picture[]) =>
  pictures.reduce((sum, { pixels }) => sum + pixels.filter((grey) => grey === TEXT).length, 0);
