// Reads the tags that describe the pixels of a TIFF's first image, in classic TIFF and BigTIFF of both byte orders.
// Decodes no pixels.

/** The first value of each tag, or the default of the specification. */
export interface TiffTags {
  /** The bits of the first channel. */
  readonly bitsPerSample: number;
  readonly compression: number;
  /** PhotometricInterpretation. */
  readonly photometric: number | undefined;
  readonly samplesPerPixel: number;
  /** 1 and 2: the first channel after the colours is associated (premultiplied) or unassociated alpha. */
  readonly extraSamples: number | undefined;
  /** 1: unsigned, 2: signed, 3: float, 5 and 6: complex. */
  readonly sampleFormat: number;
}

/** Numbers of the tags. */
const [BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, SAMPLES_PER_PIXEL, EXTRA_SAMPLES, SAMPLE_FORMAT] = [
  258, 259, 262, 277, 338, 339,
];
const READ = [BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, SAMPLES_PER_PIXEL, EXTRA_SAMPLES, SAMPLE_FORMAT];
/** Bytes of a value, by its type: BYTE, SHORT, LONG, LONG8. */
const TYPE_BYTES: ReadonlyMap<number | undefined, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [16, 8],
]);
/** The number of tags to examine. Writers use about twenty. */
const MAX_TAGS = 4096;

/** Reads an unsigned integer of 1, 2, 4 or 8 bytes. Returns undefined beyond the end. */
type ReadUint = (offset: number, size: number) => number | undefined;

/** @returns undefined if the bytes are not a TIFF, or its tags are beyond the end */
export function readTiffTags(bytes: Uint8Array): TiffTags | undefined {
  const { read, isBig, directory } = openTiff(bytes) ?? {};
  if (!read || directory === undefined) return undefined;
  const tags = read(directory, isBig ? 8 : 2);
  if (tags === undefined) return undefined;
  const [entryBytes, firstEntry] = isBig ? [20, directory + 8] : [12, directory + 2];
  const first = new Map<number, number>();
  for (let i = 0; i < Math.min(tags, MAX_TAGS); i++) {
    const entry = firstEntry + i * entryBytes;
    const tag = read(entry, 2);
    if (tag === undefined) break;
    if (!READ.includes(tag) || first.has(tag)) continue;
    const value = readFirstValue(read, entry, isBig === true);
    if (value !== undefined) first.set(tag, value);
  }
  return {
    bitsPerSample: first.get(BITS_PER_SAMPLE) ?? 1,
    compression: first.get(COMPRESSION) ?? 1,
    photometric: first.get(PHOTOMETRIC),
    samplesPerPixel: first.get(SAMPLES_PER_PIXEL) ?? 1,
    extraSamples: first.get(EXTRA_SAMPLES),
    sampleFormat: first.get(SAMPLE_FORMAT) ?? 1,
  };
}

/** Counts the images in a TIFF, up to `max`. */
export function countTiffImages(bytes: Uint8Array, max: number): number {
  const { read, isBig, directory } = openTiff(bytes) ?? {};
  let count = 0;
  for (let at = directory; read && at && count < max; count++) {
    const tags = read(at, isBig ? 8 : 2);
    if (tags === undefined) break;
    at = isBig ? read(at + 8 + 20 * tags, 8) : read(at + 2 + 12 * tags, 4);
  }
  return count;
}

/** Finds the directory of tags of the first image. @returns undefined if the bytes are not a TIFF */
function openTiff(bytes: Uint8Array) {
  const order = String.fromCharCode(...bytes.subarray(0, 2));
  if (order !== "II" && order !== "MM") return undefined;
  const read = reader(bytes, order === "II");
  const version = read(2, 2);
  if (version !== 42 && version !== 43) return undefined;
  const isBig = version === 43;
  return { read, isBig, directory: isBig ? read(8, 8) : read(4, 4) };
}

function reader(bytes: Uint8Array, isLittle: boolean): ReadUint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (offset, size) => {
    if (offset + size > view.byteLength) return undefined;
    if (size === 1) return view.getUint8(offset);
    if (size === 2) return view.getUint16(offset, isLittle);
    if (size === 4) return view.getUint32(offset, isLittle);
    return Number(view.getBigUint64(offset, isLittle));
  };
}

/** Reads the first value of a tag. If the values do not fit into the entry, it holds their offset. */
function readFirstValue(read: ReadUint, entry: number, isBig: boolean): number | undefined {
  const size = TYPE_BYTES.get(read(entry + 2, 2));
  const wordBytes = isBig ? 8 : 4;
  const count = read(entry + 4, wordBytes);
  if (size === undefined || !count) return undefined;
  const field = entry + 4 + wordBytes;
  const place = size * count <= wordBytes ? field : read(field, wordBytes);
  return place === undefined ? undefined : read(place, size);
}
