// Scenarios: commands on small data, and the preparation of their folders.
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodePng } from "../../dist/pictures/png.js";

// One step per epoch, because the number of steps between checkpoints depends on time.
const TRAINING = "--run run --dim-z 3 --n-hidden 4 --batch-size 32 --seed 1 --engine cpu --threads 1 --quiet";

/** Writes the data into a folder. @returns scenarios by name: the command, and the commands or functions before it */
export function createScenarios(folder) {
  writeData(folder);
  const places = ["tiny", "photos", "zipped", "parquet", "preset.json"].map((name) => path.join(folder, name));
  const [tiny, photos, zipped, parquet, preset] = places;
  const train = `train --dataset ${tiny} --epochs 2 --set checkpointSeconds=0 ${TRAINING}`;
  const inspect = `data ${photos} --size 8 --out sheet.png`;
  return {
    train: [train],
    resume: ["train --resume run --epochs 2 --quiet", train.replace("--epochs 2", "--epochs 1"), crash],
    sample: ["sample --n 4", train, copyRun],
    export: ["export --run run --out exported", train],
    tensorboard: [`${train} --tensorboard`],
    events: ["export --run run --format tensorboard", `${train} --tensorboard`],
    photos: [`train --dataset ${photos} --preset ${preset} --epochs 1 ${TRAINING.replace("32", "4")}`],
    parquet: [`data ${parquet} --out sheet.png`],
    zipped: [`data ${zipped} --out sheet.png`],
    data: [inspect, inspect, outdate],
    encode: ["encode --run run --out z.npz", train],
    decode: ["decode --run run --input z.npy --out images.npy", train, "encode --run run --out z.npy"],
    evaluate: ["evaluate --run run --importance-samples 10", train],
    report: ["report --run run", train, "evaluate --run run"],
    reconstruct: [`reconstruct --run run --input ${path.join(photos, "1.png")}`, train],
    latent: ["latent --run run", train],
    manifold: ["manifold --run run --size 2x2", train.replace("--dim-z 3", "--dim-z 2")],
    interpolate: ["interpolate --run run --from 0 --to 1 --steps 2", train],
    runs: ["runs", train, copyRun],
    compare: ["compare runs", train, copyRun],
    twins: ["compare runs --pictures twins.svg", train, copyRun],
    group: [`${train.replace("--epochs 2", "--epochs 1")} --sweep beta=1,2`],
    explore: ["explore --run run", train],
    cache: ["cache --clear", inspect],
    each: ["sample --run run --n 3 --each samples", train],
  };
}

/** Leftovers of a crash in a run. */
function crash() {
  writeFileSync("run/lock", JSON.stringify({ pid: 2 ** 30, host: hostname(), id: "" }));
  writeFileSync("run/.1-0123456789ab.tmp", "");
}

function copyRun() {
  for (const run of ["a", "b"]) cpSync("run", path.join("runs", run), { recursive: true });
  rmSync("run", { recursive: true });
}

/** Adds stale cache entries of the same sources. */
function outdate() {
  for (const file of readdirSync("cache")) cpSync(`cache/${file}`, `cache/${file.slice(0, 25)}${"0".repeat(24)}.data`);
}

function writeData(folder) {
  for (const name of ["tiny", "zipped", "photos", "parquet"]) mkdirSync(path.join(folder, name), { recursive: true });
  writeFileSync(path.join(folder, "preset.json"), '{"size":"8"}');
  for (const [part, count] of Object.entries({ train: 40, t10k: 8 })) {
    const images = idx([count, 7, 7], pixels(count * 49));
    const labels = idx(
      [count],
      pixels(count).map((value) => value % 3),
    );
    writeFileSync(path.join(folder, "tiny", `${part}-images-idx3-ubyte`), images);
    writeFileSync(path.join(folder, "tiny", `${part}-labels-idx1-ubyte`), labels);
    writeFileSync(path.join(folder, "zipped", `${part}-images-idx3-ubyte.gz`), gzipSync(images));
  }
  const parquet = fileURLToPath(new URL("../fixtures/parquet/gzip.parquet", import.meta.url));
  cpSync(parquet, path.join(folder, "parquet", "train.parquet"));
  for (let i = 0; i < 9; i++) {
    const image = { width: 8, height: 8, channels: 1, pixels: pixels(64 + i).slice(i) };
    writeFileSync(path.join(folder, "photos", `${i}.png`), encodePng(image));
  }
}

function pixels(count) {
  return Uint8Array.from({ length: count }, (_, i) => (i * i) % 251);
}

function idx(shape, values) {
  return Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...values]);
}
