// The learning rate and the KL term's weight as functions of the step, counted from 0, with `steps` in an epoch.
import type { Config } from "../../config/config.js";

export function learningRateAt(config: Config, step: number, steps: number): number {
  const { learningRate, learningRateSchedule, learningRateMilestones, learningRateDecay, epochs } = config;
  switch (learningRateSchedule) {
    case "constant":
      return learningRate;
    case "cosine":
      return (learningRate * (1 + Math.cos((Math.PI * step) / (epochs * steps)))) / 2;
    case "steps":
      return learningRate * learningRateDecay ** learningRateMilestones.filter((epoch) => step >= epoch * steps).length;
  }
}

/** β, or the part of it that the warm-up has reached. */
export function klWeightAt({ beta, klWarmUp }: Config, step: number, steps: number): number {
  return beta * Math.min(1, klWarmUp === 0 ? 1 : (step + 1) / (klWarmUp * steps));
}
