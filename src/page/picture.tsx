// An image of a model, on a canvas of its own size. CSS magnifies it without smoothing.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { PackedArray } from "../explore/protocol.js";
import { unpackBytes } from "./packed.js";

interface PictureProps {
  /** [height, width, channels] or [N, height, width, channels] bytes. Blank if undefined. */
  readonly images: PackedArray | Uint8Array | undefined;
  /** Which of N images. */
  readonly index?: number;
  /** Says what the image is, for screen readers. */
  readonly label: string;
  readonly size: { readonly height: number; readonly width: number };
  readonly className?: string;
}

export function Picture({ images, index = 0, label, size, className }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    if (!images) {
      context.clearRect(0, 0, size.width, size.height);
      return;
    }
    const isPacked = !(images instanceof Uint8Array);
    context.putImageData(isPacked ? toImageData(images, index) : imageDataOf(images, size.width, size.height), 0, 0);
  }, [images, index]);
  return (
    <canvas
      ref={canvas}
      width={size.width}
      height={size.height}
      role="img"
      aria-label={label}
      class={`picture ${className ?? ""}`}
    />
  );
}

/** Converts grey or coloured bytes to the pixels of a canvas. */
export function toImageData(images: PackedArray, index = 0): ImageData {
  const [height, width, channels] = images.shape.slice(-3);
  const length = height * width * channels;
  return imageDataOf(unpackBytes(images).subarray(index * length, (index + 1) * length), width, height);
}

/** @param bytes height × width × 1 or 3 */
export function imageDataOf(bytes: Uint8Array, width: number, height: number): ImageData {
  const channels = bytes.length / (width * height);
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) image.data[4 * at + c] = bytes[at * channels + (channels === 1 ? 0 : c)];
    image.data[4 * at + 3] = 255;
  }
  return image;
}
