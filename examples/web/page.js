// The script of index.html: loads the decoder, and draws its output for the point that the sliders choose.

// From a CDN: https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/ort.wasm.min.mjs
const RUNTIME = "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
const MODEL = "decoder.onnx";

const status = document.querySelector("#status");
const canvas = document.querySelector("canvas");
const sliders = [...document.querySelectorAll("input")];
const classes = document.querySelector("select");

const format = (value) => Number(value).toFixed(2).replace("-", "−");
const report = (error) => {
  status.textContent = error.message;
};

start().catch(report);

async function start() {
  const ort = await import(RUNTIME).catch(() => {
    throw new Error("onnxruntime-web is missing. In the folder of this page: npm install");
  });
  ort.env.wasm.numThreads = 1; // more threads need a cross-origin isolated page
  const response = await fetch(MODEL);
  if (!response.ok)
    throw new Error(`${MODEL} is missing. In the folder of this page: npx vae export --run RUN --out .`);
  const file = new Uint8Array(await response.arrayBuffer());
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
  const [z, label] = session.inputMetadata;
  if (z.shape[1] !== 2) {
    throw new Error(`${MODEL} has ${z.shape[1]} latent dimensions. This page shows two: vae train --dim-z 2`);
  }
  if (label) offerClasses(JSON.parse(metadataOf(file, "classes")));
  const size = ["height", "width", "channels"].map((key) => Number(metadataOf(file, key)));

  /** Decodes z [1, 2] (and label [1, K] for a conditional model), and draws the pixels [1, D]. */
  async function draw() {
    const place = sliders.map(({ value }) => Number(value));
    const inputs = { z: new ort.Tensor("float32", Float32Array.from(place), [1, 2]) };
    if (label) {
      const row = Float32Array.from(classes.options, ({ selected }) => (selected ? 1 : 0));
      inputs.label = new ort.Tensor("float32", row, [1, row.length]);
    }
    const { pixels } = await session.run(inputs);
    drawPixels(pixels.data, ...size);
    const [z1, z2] = place.map(format);
    const ofClass = label ? `, class ${classes.value}` : "";
    canvas.setAttribute("aria-label", `The image at z1 = ${z1}, z2 = ${z2}${ofClass}`);
  }

  const update = latestOnly(draw);
  for (const slider of sliders) {
    slider.disabled = false;
    slider.addEventListener("input", () => {
      document.querySelector(`output[for=${slider.id}]`).value = format(slider.value);
      update().catch(report);
    });
  }
  classes.addEventListener("change", () => update().catch(report));
  await update();
  status.textContent = "Move the sliders: the decoder draws the image of each place.";
}

/** Serializes calls, since a session runs one at a time. Calls during a run are merged into one. */
function latestOnly(work) {
  let running = false;
  let asked = false;
  return async () => {
    asked = true;
    if (running) return;
    running = true;
    try {
      while (asked) {
        asked = false;
        await work();
      }
    } finally {
      running = false;
    }
  };
}

/** @param pixels [height × width × channels], 0 black to 1 white; means of Gaussian pixels may be outside this range */
function drawPixels(pixels, height, width, channels) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    // ImageData rounds and clamps.
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * pixels[i * channels + (c % channels)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function offerClasses(names) {
  classes.append(...names.map((name) => new Option(name)));
  classes.parentElement.hidden = false;
}

/** Reads metadata, which onnxruntime-web does not expose: protobuf fields 1, the key, and 2, the value. */
function metadataOf(file, key) {
  const entry = `\n${String.fromCharCode(key.length)}${key}\x12`;
  const at = new TextDecoder("latin1").decode(file).lastIndexOf(entry);
  if (at < 0) throw new Error(`${MODEL} has no metadata ${key}. Write it with vae export.`);
  let [position, length, shift] = [at + entry.length, 0, 0];
  for (; ; shift += 7) {
    const byte = file[position++];
    length += (byte & 127) << shift;
    if (byte < 128) break;
  }
  return new TextDecoder().decode(file.subarray(position, position + length));
}
