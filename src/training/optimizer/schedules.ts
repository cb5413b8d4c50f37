// Learning rate and KL weight as functions of the step, counted from 0, with `steps` in an epoch.
import type { Config } from "../../config/config.js";

/** The learning rate: constant, half a cosine wave down to zero, or lowered by a factor after each milestone. */
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

/** The weight of the KL term: β, after a linear warm-up over `klWarmUp` epochs. */
export function klWeightAt({ beta, klWarmUp }: Config, step: number, steps: number): number {
  return beta * Math.min(1, klWarmUp === 0 ? 1 : (step + 1) / (klWarmUp * steps));
}
