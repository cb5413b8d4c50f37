// The learned manifold: images decoded on a grid that covers the visible part of a plane, as one canvas.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { PackedArray } from "../explore/protocol.js";
import { latestOnly } from "./client.js";
import type { OpenModel } from "./model.js";
import { unpackBytes } from "./packed.js";
import { imageDataOf } from "./picture.js";
import { type Area, type Plane, type Point, pointsAt, project } from "./plane.js";
import { type Axes, planeStateOf } from "./plane-state.js";
import type { Size } from "./viewport.js";

export interface Manifold {
  readonly image: HTMLCanvasElement;
  readonly area: Area;
  /** The axes that it was decoded for. */
  readonly axes: Axes;
}

/** Most images of one call of `decode`. */
const MAX_IMAGES = 1024;
/** Most bytes of one grid, so that large images make a coarser grid. */
const MAX_BYTES = 6_000_000;
/** CSS pixels of an image on the grid, at least. */
const MIN_CELL = 26;
/** Waits until a zoom has rested. */
const REST_MS = 120;

interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** Decodes the manifold of the visible area while it is shown, again if what it depends on changes. */
export function useManifold(model: OpenModel): Manifold | undefined {
  const { plane, axes, visible, showsManifold } = planeStateOf(model);
  const [manifold, setManifold] = useState<Manifold>();
  const show = useMemo(
    () =>
      latestOnly(async (given: Parameters<typeof decodeManifold>[1]) => {
        const decoded = await decodeManifold(model, given).catch(() => undefined); // the shell shows the problem
        if (decoded) setManifold(decoded);
      }),
    [model],
  );
  const isShown = showsManifold.value;
  // A drag moves z in the plane, which does not change the images: only what is orthogonal to the plane does.
  const orthogonal = isShown ? orthogonalPart(plane.value, model.z.value) : "";
  useEffect(() => {
    if (!isShown || !visible.value) return;
    const given = { plane: plane.value, axes: axes.value, z: model.z.value, ...visible.value };
    const timer = setTimeout(() => show(given), REST_MS);
    return () => clearTimeout(timer);
  }, [isShown, visible.value, plane.value, orthogonal, model.chosenClass.value, model.epoch.value]);
  return isShown && manifold?.axes === axes.value ? manifold : undefined;
}

interface Given {
  readonly plane: Plane;
  readonly axes: Axes;
  readonly z: Float32Array;
  readonly area: Area;
  readonly size: Size;
}

async function decodeManifold(model: OpenModel, { plane, axes, z, area, size }: Given): Promise<Manifold> {
  const { height, width, channels } = model.info;
  const isLine = plane.axes.length === 1;
  const count = Math.max(4, Math.min(MAX_IMAGES, Math.floor(MAX_BYTES / (height * width * channels))));
  const grid = gridOf(size, count, isLine);
  const images = await model.decode(pointsAt(plane, z, placesOf(area, grid)));
  return { image: toCanvas(images, grid), area, axes };
}

/** As many images as fit: cells about as wide as high, of a line one row. */
function gridOf({ width, height }: Size, count: number, isLine: boolean): Grid {
  const cell = Math.max(MIN_CELL, Math.sqrt((width * height) / count));
  if (isLine) return { columns: Math.min(count, Math.max(1, Math.round(width / height))), rows: 1 };
  const columns = Math.max(1, Math.floor(width / cell));
  return { columns, rows: Math.max(1, Math.min(Math.floor(count / columns), Math.round(height / cell))) };
}

/** The centres of the cells, from left to right, the top row first. */
function placesOf({ left, right, bottom, top }: Area, { columns, rows }: Grid): Point[] {
  return Array.from({ length: columns * rows }, (_, i): Point => {
    const [column, row] = [(i % columns) + 0.5, Math.floor(i / columns) + 0.5];
    return [left + ((right - left) * column) / columns, top - ((top - bottom) * row) / rows];
  });
}

function toCanvas(images: PackedArray, { columns, rows }: Grid): HTMLCanvasElement {
  const [, height, width, channels] = images.shape;
  const bytes = unpackBytes(images);
  const canvas = document.createElement("canvas");
  canvas.width = columns * width;
  canvas.height = rows * height;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const length = height * width * channels;
  for (let i = 0; i < columns * rows; i++) {
    const image = imageDataOf(bytes.subarray(i * length, (i + 1) * length), width, height);
    context.putImageData(image, (i % columns) * width, Math.floor(i / columns) * height);
  }
  return canvas;
}

function orthogonalPart(plane: Plane, z: Float32Array): string {
  const [u, v] = project(plane, z);
  const rest = z.map((value, d) => value - u * plane.axes[0][d] - v * (plane.axes[1]?.[d] ?? 0));
  return Array.from(rest, (value) => value.toFixed(3).replace("-0.000", "0.000")).join();
}
