// The evidence lower bound as numbers.

/** Nats per image: elbo = reconstruction − kl. A plain autoencoder has no KL term: its kl is 0, and elbo is no bound. */
export interface Elbo {
  readonly elbo: number;
  /** log p(x|z), mean over the draws of z */
  readonly reconstruction: number;
  /** KL(q(z|x) ‖ p(z)) */
  readonly kl: number;
}

/** The ELBO and what training maximizes, which differ where the settings objective, beta or model say so. */
export interface Bounds extends Elbo {
  /** With the whole KL term, also during its warm-up. */
  readonly objective: number;
}

/** What a mean is made of: terms of single images, or of single batches of one size. */
export const TERMS = ["objective", "reconstruction", "kl"] as const;

/** The mean over images, or over batches of one size. */
export function meanBounds(terms: Readonly<Record<(typeof TERMS)[number], ArrayLike<number>>>): Bounds {
  const [objective, reconstruction, kl] = TERMS.map((name) => mean(terms[name]));
  return { objective, elbo: reconstruction - kl, reconstruction, kl };
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
