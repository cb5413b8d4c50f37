// Recognizes the format of a file by its first bytes, to name it in messages. Parses no content.

export interface Format {
  /** With its article: "a PNG image". */
  readonly name: string;
  /** How to convert the file to images or arrays that vae reads: a sentence. Empty if vae reads the format. */
  readonly remedy: string;
  /** How to convert the file to safetensors, if that differs: a sentence. */
  readonly weights?: string;
}

/** The number of bytes to examine. */
const MAX_BYTES = 65_536;

export const SAFETENSORS = "a safetensors file";
export const NPZ = "an .npz archive";
/** The length of a safetensors header: `{}` or more, up to the limit of the reference implementation. */
const [MIN_HEADER_BYTES, MAX_HEADER_BYTES] = [2, 100_000_000];

/** Tests the first bytes of a file, given as characters from 0 to 255. */
type Test = (head: string) => boolean;

const DOWNLOAD = "Download the file itself: its address led to this page.";
const ERROR = "Open it in a text editor: it may be the error message of a server.";
const decompress = (command: string) => `Decompress it first: ${command}.`;
const unpack = (command: string) => `Unpack it first: ${command}.`;
const toPng = (file: string) => `Convert it to PNG: magick ${file} x.png.`;
const toFrames = (file: string) => `Save its frames as images: ffmpeg -i ${file} frame-%05d.png.`;
const saveArray = (array: string, rest = "") => `In Python: np.save("x.npy", ${array})${rest}.`;
const saveWeights = (arrays: string) => `In Python: safetensors.numpy.save_file(${arrays}, "model.safetensors").`;
const FIRST_AXIS = ", where X is the array of images, with the images along its first axis";
const TORCH_LOAD = 'torch.load("x.pt", map_location="cpu")';
const PYTORCH = [
  saveArray(`${TORCH_LOAD}.numpy()`, ", if it is a tensor of images"),
  `In Python: safetensors.torch.save_file(${TORCH_LOAD}, "model.safetensors").`,
] as const;
const PICKLE_LOAD = 'pickle.load(open("x.pkl", "rb"), encoding="bytes")';
const CIFAR_IMAGES = '[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)';

/** The first format whose test succeeds is chosen. */
const FORMATS: readonly (readonly [test: Test, name: string, remedy: string, weights?: string])[] = [
  [isSafetensors, SAFETENSORS, ""],

  // images
  [at(0, "\x89PNG\r\n\x1a\n"), "a PNG image", ""],
  [at(0, "\xff\xd8\xff"), "a JPEG image", ""],
  [at(0, "GIF87a", "GIF89a"), "a GIF image", ""],
  [at(0, "RIFF????WEBP"), "a WebP image", ""],
  [isAvif, "an AVIF image", ""],
  [
    at(4, "ftyphei?", "ftyphev?", "ftypmif?", "ftypmsf?", "ftypmiaf", "ftypavci"),
    "an HEIC image",
    "Convert it to JPEG: magick x.heic x.jpg.",
  ],
  [isBmp, "a BMP image", toPng("x.bmp")],
  [isIcon, "an icon (ICO)", toPng('"x.ico[0]"')],
  [at(0, "8BPS"), "a Photoshop image", toPng('"x.psd[0]"')],
  [at(0, "\xff\x0a", "\0\0\0\x0cJXL \r\n\x87\n"), "a JPEG XL image", toPng("x.jxl")],
  [at(0, "\0\0\0\x0cjP  \r\n\x87\n"), "a JPEG 2000 image", toPng("x.jp2")],
  [at(0, "\xff\x4f\xff\x51"), "a JPEG 2000 image", toPng("x.j2k")],
  [at(0, "II*\0????CR\x02\0"), "a camera raw image", toPng("x.cr2")],
  [at(4, "ftypcrx "), "a camera raw image", toPng("x.cr3")],
  [at(0, "IIRO", "IIRS", "MMOR"), "a camera raw image", toPng("x.orf")],
  [at(0, "IIU\0"), "a camera raw image", toPng("x.rw2")],
  [at(0, "FUJIFILMCCD-RAW"), "a camera raw image", toPng("x.raf")],
  [at(0, "II*\0", "MM\0*", "II+\0", "MM\0+"), "a TIFF image", ""],
  [isNetpbm("14"), "a PBM image", toPng("x.pbm")],
  [isNetpbm("25"), "a PGM image", toPng("x.pgm")],
  [isNetpbm("36"), "a PPM image", toPng("x.ppm")],
  [isNetpbm("Ff"), "a PFM image", toPng("x.pfm")],
  [at(0, "P7\nWIDTH", "P7\nHEIGHT", "P7\nDEPTH", "P7\nMAXVAL", "P7\nTUPLTYPE", "P7\n#"), "a PAM image", toPng("x.pam")],
  [at(0, "\x76\x2f\x31\x01"), "an OpenEXR image", toPng("x.exr")],
  [at(0, "#?RADIANCE", "#?RGBE"), "a Radiance HDR image", toPng("x.hdr")],

  // videos
  [either(at(4, "ftypqt  "), at(0, "\0???moov", "\0???mdat", "\0\0\0\bwide")), "a QuickTime video", toFrames("x.mov")],
  [at(4, "ftypM4A ", "ftypM4B "), "an audio file", ""],
  [at(4, "ftyp"), "an MP4 video", toFrames("x.mp4")],
  [isMatroska("webm"), "a WebM video", toFrames("x.webm")],
  [isMatroska("matroska"), "a Matroska video", toFrames("x.mkv")],
  [at(0, "RIFF????AVI "), "an AVI video", toFrames("x.avi")],

  // arrays
  [at(0, "\x93NUMPY"), "a .npy file", ""],
  [isIdx, "an IDX file", ""],
  [at(0, "PAR1"), "a Parquet file", ""],
  [
    at(0, "ARROW1", "FEA1"),
    "an Arrow file",
    'In Python: pyarrow.parquet.write_table(pyarrow.feather.read_table("x.arrow"), "x.parquet").',
  ],
  [
    at(0, "MATLAB 5.0 MAT-file"),
    "a MATLAB 5 file",
    saveArray('np.ascontiguousarray(scipy.io.loadmat("x.mat")["X"])', FIRST_AXIS),
  ],
  [
    at(0, "MATLAB 7.3 MAT-file"),
    "a MATLAB 7.3 file",
    saveArray('np.ascontiguousarray(h5py.File("x.mat")["X"][()].T)', FIRST_AXIS),
  ],
  [
    either(at(0, "\x89HDF\r\n\x1a\n"), at(512, "\x89HDF\r\n\x1a\n")),
    "an HDF5 file",
    saveArray('h5py.File("x.h5")["X"][()]', FIRST_AXIS),
    saveWeights('{k: v[()] for k, v in h5py.File("x.h5").items()}'),
  ],
  [at(128, "DICM"), "a DICOM file", 'Convert it to PNG: magick -define dcm:display-range=reset "x.dcm[0]" x.png.'],
  [at(0, "SIMPLE  ="), "a FITS image", toPng('"x.fits[0]"')],
  [
    either(at(344, "n+1\0", "ni1\0"), at(4, "n+2\0\r\n\x1a\n")),
    "a NIfTI volume",
    'In Python: x = nibabel.load("x.nii").get_fdata().T; np.save("x.npy", (x - x.min()) / np.ptp(x)).',
  ],
  [at(0, "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "a PyTorch file", ...PYTORCH],
  [isCifar, "a pickled batch of CIFAR-10", saveArray(`${PICKLE_LOAD}${CIFAR_IMAGES}`)],
  [
    at(0, "\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"),
    "a Python pickle",
    saveArray("x", ', where x is the array of images in pickle.load(open("x.pkl", "rb"))'),
    saveWeights('pickle.load(open("x.pkl", "rb"))'),
  ],
  [isOnnx, "an ONNX model", "", "Use the weights that it was exported from."],

  // archives and compressed files
  [isPyTorchZip, "a PyTorch file", ...PYTORCH],
  [isNpz, NPZ, "", saveWeights('dict(np.load("x.npz"))')],
  [at(0, "PK\x03\x04", "PK\x05\x06", "PK\x07\x08"), "a zip archive", unpack("unzip x.zip")],
  [at(257, "ustar"), "a tar archive", unpack("tar -xf x.tar")],
  [at(0, "7z\xbc\xaf\x27\x1c"), "a 7z archive", unpack("7z x x.7z")],
  [at(0, "Rar!\x1a\x07"), "a RAR archive", unpack("unrar x x.rar")],
  [at(0, "\x1f\x8b"), "a gzip file", decompress("gunzip x.gz")],
  [at(0, "BZh?1AY&SY", "BZh?\x17rE8P\x90"), "a bzip2 file", decompress("bunzip2 x.bz2")],
  [at(0, "\xfd7zXZ\0"), "an xz file", decompress("unxz x.xz")],
  [at(0, "\x28\xb5\x2f\xfd"), "a Zstandard file", decompress("unzstd x.zst")],

  // databases and documents
  [at(0, "SQLite format 3\0"), "an SQLite database", "Save its images as files."],
  [at(16, "\xde\xc0\xef\xbe"), "an LMDB database", "Save its images as files."],
  [at(0, "%PDF-"), "a PDF document", "Convert its pages to PNG: pdftoppm -png x.pdf page."],
  [at(0, "version https://git-lfs.github.com/spec/v1"), "a Git LFS pointer", "Fetch its content: git lfs pull."],
  [isWebPage, "a web page", DOWNLOAD],
  [isSvg, "an SVG image", toPng("x.svg")],
  [(head) => rootOf(head) !== undefined, "an XML document", ERROR],
  [isJson, "a JSON document", ERROR],
];

/** Recognizes a format by the first bytes of a file. 64 KB are enough. */
export function recognize(bytes: Uint8Array): Format | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_BYTES)).toString("latin1");
  const found = FORMATS.find(([test]) => test(head));
  if (!found) return undefined;
  const [, name, remedy, weights] = found;
  return { name, remedy, ...(weights !== undefined && { weights }) };
}

/** Tests for one of `signatures` at an offset. In these, ? matches any byte. */
function at(offset: number, ...signatures: readonly string[]): Test {
  return (head) =>
    signatures.some((signature) => Array.from(signature).every((byte, i) => byte === "?" || byte === head[offset + i]));
}

function either(...tests: readonly Test[]): Test {
  return (head) => tests.some((test) => test(head));
}

/** Reads a little-endian integer of `size` bytes. Bytes past the end count as 0. */
function uint(head: string, offset: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = 256 * value + (head.charCodeAt(offset + i) || 0);
  return value;
}

function isSafetensors(head: string): boolean {
  const length = uint(head, 0, 8);
  return length >= MIN_HEADER_BYTES && length <= MAX_HEADER_BYTES && head[8] === "{";
}

/** AVIF and HEIC share a container and the brand mif1. The box ftyp lists the brands that the file conforms to. */
function isAvif(head: string): boolean {
  if (!head.startsWith("ftyp", 4)) return false;
  const length = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  const brands = head.slice(8, Math.max(12, Math.min(length, 256))).match(/.{4}/gs) ?? [];
  const [major = "", , ...others] = brands;
  const isAv1 = (brand: string) => brand === "avif" || brand === "avis";
  return isAv1(major) || (["mif1", "msf1"].includes(major) && others.some(isAv1));
}

function isBmp(head: string): boolean {
  return head.startsWith("BM") && [12, 16, 40, 52, 56, 64, 108, 124].includes(uint(head, 14, 4));
}

/** The first entry of an icon has a reserved byte of 0 and at most 32 bits per pixel. */
function isIcon(head: string): boolean {
  const [type, count, bits] = [uint(head, 2, 2), uint(head, 4, 2), uint(head, 12, 2)];
  return head.startsWith("\0\0") && type === 1 && count > 0 && head[9] === "\0" && bits <= 32;
}

/** PBM, PGM, PPM and PFM: P and a character, then white space, comments and the width. */
function isNetpbm(kinds: string): Test {
  return (head) => head[0] === "P" && kinds.includes(head[1]) && /^.\s\s{0,9}[\d#]/s.test(head.slice(1, 13));
}

function isMatroska(type: string): Test {
  return (head) => head.startsWith("\x1a\x45\xdf\xa3") && head.slice(4, 64).includes(type);
}

/** Two zero bytes, a type, and 1 to 4 dimensions, the first of them below 2^24. */
function isIdx(head: string): boolean {
  const [type, rank] = [uint(head, 2, 1), uint(head, 3, 1)];
  const isType = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e].includes(type);
  return head.startsWith("\0\0") && isType && rank >= 1 && rank <= 4 && head[4] === "\0";
}

function isCifar(head: string): boolean {
  return head.startsWith("\x80\x02") && head.slice(0, 32).includes("batch_label");
}

/** Protobuf that begins with ir_version, producer_name and producer_version. Misses models without a producer. */
function isOnnx(head: string): boolean {
  const [version, length] = [uint(head, 1, 1), uint(head, 3, 1)];
  const producer = head.slice(4, 4 + length);
  const isName = /^[\x20-\x7e]{1,99}$/.test(producer);
  return (
    head[0] === "\b" && version >= 1 && version <= 50 && head[2] === "\x12" && isName && head[4 + length] === "\x1a"
  );
}

/** The names of the entries of a zip archive whose headers are in the first bytes. */
function zipNames(head: string): string[] {
  if (!head.startsWith("PK\x03\x04")) return [];
  const entries = head.split("PK\x03\x04").slice(1);
  return entries.map((entry) => entry.slice(26, 26 + uint(entry, 22, 2)));
}

function isPyTorchZip(head: string): boolean {
  return zipNames(head).some((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
}

function isNpz(head: string): boolean {
  return zipNames(head)[0]?.endsWith(".npy") ?? false;
}

/** Removes a byte order mark and leading white space. Reduces UTF-16 to ASCII. */
function textOf(head: string): string {
  const isWide = head.startsWith("\xff\xfe") || head.startsWith("\xfe\xff");
  return (isWide ? head.slice(2).replaceAll("\0", "") : head.replace(/^\xef\xbb\xbf/, "")).trimStart();
}

/** The root element of an HTML, SVG or XML document, in lower case and without its namespace. */
function rootOf(head: string): string | undefined {
  let text = textOf(head);
  const skipTo = (end: string) => {
    const found = text.indexOf(end);
    text = found < 0 ? "" : text.slice(found + end.length).trimStart();
  };
  while (text.startsWith("<?") || text.startsWith("<!")) {
    const doctype = /^<!doctype\s{1,9}([a-z]{1,9})/i.exec(text.slice(0, 30));
    if (doctype) return doctype[1].toLowerCase();
    skipTo(text.startsWith("<!--") ? "-->" : ">");
  }
  const tag = /^<(?:[a-z][\w.-]{0,50}:)?([a-z][\w.-]{0,50})[\s/>]/i.exec(text.slice(0, 110));
  return tag?.[1].toLowerCase();
}

/** Whether the root is an element of HTML. Error pages may begin with another one than <html>. */
function isWebPage(head: string): boolean {
  const elements = ["html", "head", "body", "title", "meta", "link", "script", "style", "center", "div", "h1", "p"];
  return elements.includes(rootOf(head) ?? "");
}

function isSvg(head: string): boolean {
  return rootOf(head) === "svg";
}

function isJson(head: string): boolean {
  return /^(\{\s{0,99}["}]|\[\s{0,99}[[{"\]\d-])/.test(textOf(head).slice(0, 110));
}
