// The evidence lower bound as numbers.

/** Nats per image: elbo = reconstruction − kl. */
export interface Elbo {
  readonly elbo: number;
  /** log p(x|z) */
  readonly reconstruction: number;
  /** KL(q(z|x) ‖ p(z)) */
  readonly kl: number;
}

/** The means of the terms of single images, or of single batches of one size. */
export function meanElbo(reconstructions: ArrayLike<number>, kls: ArrayLike<number>): Elbo {
  const reconstruction = mean(reconstructions);
  const kl = mean(kls);
  return { elbo: reconstruction - kl, reconstruction, kl };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
