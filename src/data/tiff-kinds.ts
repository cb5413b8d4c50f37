// Refuses kinds of TIFF that sharp does not decode or decodes wrongly. Checks tags, because libvips may mix up the
// error messages of files that are read at the same time.
import { countTiffImages, readTiffTags, type TiffTags } from "../formats/tiff.js";
import { BadImage } from "./bad-image.js";

/** The number of colour channels by PhotometricInterpretation: white or black is zero, RGB, palette, CMYK, YCbCr. */
const COLOURS: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [3, 1],
  [5, 4],
  [6, 3],
]);
const CMYK = 4;
/** libtiff looks for all images in a file, which takes seconds for some hundred thousand. */
const MAX_IMAGES = 10_000;
/** Values of Compression that sharp's libtiff decodes: none, CCITT, LZW, JPEG, Deflate, PackBits, WebP and old ones. */
const COMPRESSIONS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 32_766, 32_771, 32_773, 32_809, 32_909, 32_946, 34_676, 34_677, 50_001],
];
/** Names of compressions that it does not decode. */
const OTHER_COMPRESSIONS: ReadonlyMap<number, string> = new Map([
  [33_003, "JPEG 2000"],
  [33_005, "JPEG 2000"],
  [34_661, "JBIG"],
  [34_712, "JPEG 2000"],
  [34_887, "LERC"],
  [34_892, "lossy JPEG of DNG"],
  [34_925, "LZMA"],
  [34_933, "PNG"],
  [34_934, "JPEG XR"],
  [50_000, "ZSTD"],
  [50_002, "JPEG XL"],
  [52_546, "JPEG XL"],
]);

/** @throws BadImage if the file is a TIFF of a kind that sharp does not decode, or decodes wrongly */
export function checkTiff(bytes: Uint8Array): void {
  const tags = readTiffTags(bytes);
  if (!tags) return;
  checkCompression(tags);
  checkType(tags);
  checkChannels(tags);
  if (countTiffImages(bytes, MAX_IMAGES + 1) > MAX_IMAGES) {
    throw new BadImage(`it holds more than ${MAX_IMAGES} images, and only the first is read: save each as a file`);
  }
}

function checkCompression({ compression }: TiffTags): void {
  if (COMPRESSIONS.includes(compression)) return;
  const name = OTHER_COMPRESSIONS.get(compression) ?? `number ${compression}`;
  throw new BadImage(`its compression, ${name}, is not supported: save it with LZW or Deflate`);
}

function checkType({ bitsPerSample: bits, sampleFormat, samplesPerPixel }: TiffTags): void {
  const isComplex = sampleFormat === 5 || sampleFormat === 6;
  const isUsual = [8, 16, 32].includes(bits) || ([1, 2, 4].includes(bits) && samplesPerPixel === 1);
  if (isUsual && !isComplex) return;
  const type = isComplex ? "complex numbers" : `${bits}-bit ${sampleFormat === 3 ? "floats" : "integers"}`;
  throw new BadImage(`its pixels are ${type}: save it with 8 or 16 bits or as float32`);
}

/** Refuses unmarked channels after the colours, such as near infrared, which sharp would read as transparency. */
function checkChannels({ photometric, samplesPerPixel: count, extraSamples }: TiffTags): void {
  if (photometric === undefined) return; // sharp reports the damage
  const colours = COLOURS.get(photometric);
  if (colours === undefined) throw new BadImage("its colours are neither grey, RGB nor CMYK: save it in grey or RGB");
  const isMarked = extraSamples === 1 || extraSamples === 2;
  if (count <= colours || (count === colours + 1 && isMarked && colours !== CMYK)) return;
  if (count === 3) throw new BadImage("its 3 channels are not marked as red, green and blue: save it as RGB");
  const unmarked = count === colours + 1 && !isMarked ? ", none of them marked as transparency" : "";
  throw new BadImage(`it has ${count} channels${unmarked}: save 1 or 3 of them`);
}
