// Draws short texts on pictures: lower-case letters, digits and number punctuation.
import type { Picture } from "./grid.js";

/** Side of a dot, in pixels. */
const DOT = 2;
const COLUMNS = 5;
const ADVANCE = (COLUMNS + 1) * DOT;

/** Bitmaps of characters, 5 × 7 dots each. */
const FONT = {
  "0123456789 .,:-−": `
.###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###. ..... ..... ..... ..... ..... .....
#...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...# ..... ..... ..... .##.. ..... .....
#..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ..... ..... ..... .##.. ..... .....
#.#.# ..#.. ..##. ...#. #..#. ....# ####. ..#.. .###. .#### ..... ..... ..... ..... .###. #####
##..# ..#.. .#... ....# ##### ....# #...# .#... #...# ....# ..... ..... .##.. .##.. ..... .....
#...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ...#. ..... .##.. ..#.. .##.. ..... .....
.###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. ..... .##.. .#... ..... ..... .....`,
  abcdefghijklm: `
..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. .....
..... #.... ..... ....# ..... .#..# ..... #.... ..... ..... #.... ..#.. .....
.###. #.##. .###. .##.# .###. .#... .#### #.##. .##.. ..##. #..#. ..#.. ##.#.
....# ##..# #.... #..## #...# ###.. #...# ##..# ..#.. ...#. #.#.. ..#.. #.#.#
.#### #...# #.... #...# ##### .#... .#### #...# ..#.. ...#. ##... ..#.. #.#.#
#...# #...# #...# #...# #.... .#... ....# #...# ..#.. #..#. #.#.. ..#.. #...#
.#### ####. .###. .#### .###. .#... .###. #...# .###. .##.. #..#. .###. #...#`,
  nopqrstuvwxyz: `
..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....
..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....
#.##. .###. ####. .#### #.##. .###. ###.. #...# #...# #...# #...# #...# #####
##..# #...# #...# #...# ##..# #.... .#... #...# #...# #...# .#.#. #...# ...#.
#...# #...# ####. .#### #.... .###. .#... #...# #...# #.#.# ..#.. .#### ..#..
#...# #...# #.... ....# #.... ....# .#..# #..## .#.#. #.#.# .#.#. ....# .#...
#...# .###. #.... ....# #.... ####. ..##. .##.# ..#.. .#.#. #...# .###. #####`,
};

export const TEXT_HEIGHT = 7 * DOT;

/** Width of a text in pixels. */
export function textWidth(text: string): number {
  return text.length * ADVANCE - DOT;
}

/** Whether the font has all characters of a text. */
export function hasGlyphs(text: string): boolean {
  const known = Object.keys(FONT).join("");
  return [...text].every((character) => known.includes(character));
}

/** Draws a text with its upper left corner at (left, top). */
export function drawText({ pixels, width, channels }: Picture, text: string, left: number, top: number, grey: number) {
  for (const [i, character] of [...text].entries()) {
    const dots = glyph(character);
    for (let y = 0; y < TEXT_HEIGHT; y++) {
      for (let x = 0; x < COLUMNS * DOT; x++) {
        if (dots[Math.floor(y / DOT)][Math.floor(x / DOT)] !== "#") continue;
        const at = (top + y) * width + left + i * ADVANCE + x;
        pixels.fill(grey, at * channels, (at + 1) * channels);
      }
    }
  }
}

/** Rows of a character's bitmap. */
function glyph(character: string): string[] {
  for (const [characters, bitmaps] of Object.entries(FONT)) {
    const start = characters.indexOf(character) * (COLUMNS + 1);
    if (start < 0) continue;
    return bitmaps
      .trim()
      .split("\n")
      .map((row) => row.slice(start, start + COLUMNS));
  }
  throw new Error(`The font of the pictures has no "${character}"`);
}
