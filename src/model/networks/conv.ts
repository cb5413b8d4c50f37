// Convolutional networks. Each convolution of the encoder halves the image, each of the decoder doubles it.
import { choice, integer, integers } from "../../config/entries.js";
import { UserError } from "../../errors.js";
import { sizeOf } from "../../tree.js";
import { conv, convTranspose, onImages } from "../convolutions.js";
import { ACTIVATIONS, type ActivationName, dense, sequential } from "../layers.js";
import { network } from "../parts.js";

const STRIDE = 2;
const MAX_CONVOLUTIONS = 8;

// biome-ignore format: two lines per setting
const settings = {
  filters: integers({ default: [32, 64], min: 1, max: 1024, maxLength: MAX_CONVOLUTIONS, flag: "count,...",
    help: "filters of the encoder's convolutions, each of which halves the image",
    details: "the decoder has them in reverse" }),
  kernelSize: integer({ default: 4, min: STRIDE, max: 15, help: "side of a convolution's kernel, in pixels" }),
  denseUnits: integers({ default: [256], min: 1, max: 4096, maxLength: MAX_CONVOLUTIONS,
    help: "units of the dense layers between convolutions and latents; the decoder has them in reverse" }),
  convActivation: choice(Object.keys(ACTIVATIONS) as ActivationName[], { default: "relu",
    help: "activation of all hidden layers of a convolutional network" }),
};

export const convolutional = network({
  help: "convolutions that halve the image, then fully connected layers; the decoder in reverse",
  settings,
  width: "filters",
  build(own, { height, width, channels, weight }) {
    const { filters, kernelSize: kernel, denseUnits, convActivation: activation } = own;
    const depth = filters.length;
    const side = (pixels: number, i: number) => Math.ceil(pixels / STRIDE ** i); // after i convolutions
    const smallest = [side(height, depth), side(width, depth), filters[depth - 1]] as const;
    const features = sizeOf(smallest);
    const options = { kernel, stride: STRIDE, weight };
    const fullyConnected = (units: readonly number[]) =>
      units.map((count) => dense({ units: count, activation, weight }));
    return {
      encoder: (outputs) =>
        sequential({
          conv: onImages(
            [height, width, channels],
            sequential(filters.map((count) => conv({ ...options, filters: count, activation }))),
          ),
          dense: sequential([...fullyConnected(denseUnits), dense({ units: outputs, weight })]),
        }),
      decoder(outputs, bias) {
        const perPixel = outputs / (height * width);
        if (!Number.isInteger(perPixel)) {
          throw new UserError(
            `A convolutional decoder outputs the same count of numbers for each of ${height * width} pixels, ` +
              `so it cannot output ${outputs}. Choose another network or likelihood.`,
          );
        }
        const transposed = filters.toReversed().map((_, i) => {
          const next = depth - 1 - i; // the number of encoder convolutions that lead to this size
          const size = { height: side(height, next), width: side(width, next) };
          const last = { filters: perPixel, bias };
          return convTranspose({
            ...options,
            ...size,
            ...(next > 0 ? { filters: filters[next - 1], activation } : last),
          });
        });
        return sequential({
          dense: sequential(fullyConnected([...denseUnits.toReversed(), features])),
          conv: onImages(smallest, sequential(transposed)),
        });
      },
    };
  },
});
