// Joins images without gutters in one picture, the sprite of TensorBoard's projector.
import { drawTile, type ImageSize, type Picture, spans } from "./grid.js";

/** Maximum side of an image in the sprite, in pixels. */
const MAX_TILE = 64;
/** Maximum side of a sprite: the largest texture of most graphics processors. */
const MAX_SPRITE = 8192;

/** Maximum number of images in a sprite. */
export const MAX_SPRITE_IMAGES = Math.floor(MAX_SPRITE / MAX_TILE) ** 2;

export interface Sprite {
  readonly picture: Picture;
  /** The size of an image in it. */
  readonly tile: Readonly<Record<"width" | "height", number>>;
}

/**
 * Draws up to MAX_SPRITE_IMAGES images row by row in a square grid. Reduces large ones.
 *
 * @param read returns the bytes `[height, width, channels]` of an image
 */
export function drawSprite(count: number, size: ImageSize, read: (image: number) => Uint8Array): Sprite {
  const { width, height, channels } = size;
  const scale = Math.min(1, MAX_TILE / Math.max(width, height));
  const drawn = (side: number) => Math.max(1, Math.round(side * scale));
  const tile = { width: drawn(width), height: drawn(height) };
  const columns = Math.ceil(Math.sqrt(count));
  const sides = { width: columns * tile.width, height: columns * tile.height };
  const picture = { ...sides, channels, pixels: new Uint8Array(sides.width * sides.height * channels) };
  const [across, down] = [spans(width, tile.width), spans(height, tile.height)];
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * tile.width;
    const top = Math.floor(i / columns) * tile.height;
    drawTile(picture, { ...size, pixels: read(i) }, across, down, left, top);
  }
  return { picture, tile };
}
