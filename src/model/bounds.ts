// The terms of the evidence lower bound (ELBO) as numbers.

/**
 * Nats per image: elbo = reconstruction − kl. Of a plain autoencoder, kl is 0 and elbo is not a bound.
 */
export interface Elbo {
  readonly elbo: number;
  /** log p(x|z), mean over the draws of z */
  readonly reconstruction: number;
  /** KL(q(z|x) ‖ p(z)) */
  readonly kl: number;
}

/** The ELBO and the objective of training, in nats per image. */
export interface Bounds extends Elbo {
  /** With the full weight of the KL term, even during its warm-up. */
  readonly objective: number;
}

export const TERMS = ["objective", "reconstruction", "kl"] as const;

export type TermValues<Values> = Readonly<Record<(typeof TERMS)[number], Values>>;

/** A record of `value(term)` for each term. */
export function mapTerms<Value>(value: (term: (typeof TERMS)[number]) => Value): TermValues<Value> {
  return { objective: value("objective"), reconstruction: value("reconstruction"), kl: value("kl") };
}

/** Means of terms [N] over images, or over batches of equal size. */
export function meanBounds(values: TermValues<ArrayLike<number>>): Bounds {
  const { objective, reconstruction, kl } = mapTerms((term) => mean(values[term]));
  return { objective, elbo: reconstruction - kl, reconstruction, kl };
}

/** The arithmetic mean; NaN if there are no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
