// The evidence lower bound as numbers.

/** Nats per image: elbo = reconstruction − kl. */
export interface Elbo {
  /** What training maximizes: the ELBO, unless the settings objective, beta or model say otherwise. */
  readonly objective: number;
  readonly elbo: number;
  /** log p(x|z), mean over the draws of z */
  readonly reconstruction: number;
  /** KL(q(z|x) ‖ p(z)); 0 for a plain autoencoder */
  readonly kl: number;
}

/** What a mean is made of: terms of single images, or of single batches of one size. */
export const TERMS = ["objective", "reconstruction", "kl"] as const;

/** The mean over images, or over batches of one size. */
export function meanElbo(terms: Readonly<Record<(typeof TERMS)[number], ArrayLike<number>>>): Elbo {
  const [objective, reconstruction, kl] = TERMS.map((name) => mean(terms[name]));
  return { objective, elbo: reconstruction - kl, reconstruction, kl };
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
