import { describe, expect, it } from "vitest";
import { createConfig } from "../../src/config/config.js";
import { PRESETS } from "../../src/config/presets.js";
import { klWeightAt, learningRateAt } from "../../src/training/optimizer/schedules.js";

describe("the learning rate", () => {
  it("is constant by default", () => {
    const config = createConfig({ learningRate: 0.01 });
    expect([0, 1, 99].map((step) => learningRateAt(config, step, 10))).toEqual([0.01, 0.01, 0.01]);
  });

  it("falls as half a cosine wave until the last epoch", () => {
    const config = createConfig({ learningRate: 0.01, epochs: 4, learningRateSchedule: "cosine" });
    const rates = [0, 10, 20, 30, 40].map((step) => learningRateAt(config, step, 10));
    [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0].forEach((share, i) => {
      expect(rates[i]).toBeCloseTo(0.01 * share, 12);
    });
  });

  it("falls by a factor after each milestone", () => {
    const config = createConfig({
      learningRateSchedule: "steps",
      learningRateMilestones: [2, 5],
      learningRateDecay: 0.5,
    });
    const rates = [0, 19, 20, 49, 50, 500].map((step) => learningRateAt(config, step, 10));
    expect(rates).toEqual([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4]);
  });

  it("of preset iwae is 0.001·10^(−i/7) for 3^i epochs, i = 0 to 7", () => {
    const config = createConfig(PRESETS.iwae.settings);
    let epoch = 0;
    for (let i = 0; i <= 7; i++) {
      for (const within of [0, 3 ** i - 1]) {
        expect(learningRateAt(config, (epoch + within) * 10 + 9, 10)).toBeCloseTo(1e-3 * 10 ** (-i / 7), 12);
      }
      epoch += 3 ** i;
    }
    expect(config.epochs).toBe(epoch);
  });
});

describe("the KL term's weight", () => {
  it("is β, immediately or after a linear warm-up", () => {
    expect(klWeightAt(createConfig({ beta: 4 }), 0, 10)).toBe(4);
    const config = createConfig({ beta: 4, klWarmUp: 2 });
    expect([0, 9, 19, 20, 99].map((step) => klWeightAt(config, step, 10))).toEqual([0.2, 2, 4, 4, 4]);
  });
});
