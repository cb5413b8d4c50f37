// The evidence lower bound as numbers.

/**
 * Nats per image: elbo = reconstruction − kl. A plain autoencoder has no KL term: its kl is 0, and elbo is no bound.
 */
export interface Elbo {
  readonly elbo: number;
  /** log p(x|z), mean over the draws of z */
  readonly reconstruction: number;
  /** KL(q(z|x) ‖ p(z)) */
  readonly kl: number;
}

/** The ELBO and what training maximizes. */
export interface Bounds extends Elbo {
  /** With the whole KL term, also during its warm-up. */
  readonly objective: number;
}

/** The terms of an image, or of a batch. */
export const TERMS = ["objective", "reconstruction", "kl"] as const;

export type TermValues<Values> = Readonly<Record<(typeof TERMS)[number], Values>>;

export function mapTerms<Value>(of: (term: (typeof TERMS)[number]) => Value): TermValues<Value> {
  return { objective: of("objective"), reconstruction: of("reconstruction"), kl: of("kl") };
}

/** The mean over images, or over batches of one size. */
export function meanBounds(values: TermValues<ArrayLike<number>>): Bounds {
  const { objective, reconstruction, kl } = mapTerms((term) => mean(values[term]));
  return { objective, elbo: reconstruction - kl, reconstruction, kl };
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
