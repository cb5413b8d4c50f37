// Numbers and states as the page prints them.
import type { EpochSummary } from "../explore/protocol.js";

export const STATE_NAMES = { "in use": "Training", stopped: "Stopped", finished: "Finished" } as const;

/** A number with a minus sign as wide as a digit; a dash if it is not finite. */
export function formatNumber(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A duration such as 45 s, 3 min 5 s or 2 h 10 min. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Images per second. */
export function formatSpeed({ imagesPerSecond }: EpochSummary): string | undefined {
  return imagesPerSecond === undefined ? undefined : Math.round(imagesPerSecond).toLocaleString("en");
}

/** The opposite number; NaN if it was not finite, which JSON sends as null. */
export function negate(value: number | null | undefined): number {
  return -(value ?? Number.NaN);
}
