// What the page reads off a forecast: the cone between its horizons, how far a level is, how likely it is touched.
// Quantiles are log returns in percent at six tails, as the API serves them.

import type { Forecast } from "../../api/types";

export type HorizonForecast = Forecast["horizons"][number];

/** Tails of the quantiles of the API. */
export const TAILS = [0.025, 0.1, 0.25, 0.75, 0.9, 0.975] as const;
/** Bands of the cone, the widest first: what share they hold, and between which quantiles they lie. */
export const BANDS = [
  { share: 95, low: 0, high: 5 },
  { share: 80, low: 1, high: 4 },
  { share: 50, low: 2, high: 3 },
] as const;
/** Normal scores of the tails: quantiles are nearly linear in them, so that between two of them a line is drawn. */
const SCORES = [-1.959964, -1.281552, -0.67449, 0.67449, 1.281552, 1.959964];

/** The price that a return (log, percent) leads to. */
export const priceAt = (price: number, percent: number): number => price * Math.exp(percent / 100);

/** The return (log, percent) from one price to another. */
export const returnTo = (price: number, level: number): number => 100 * Math.log(level / price);

/** Quantiles of the closing return after so many minutes.
 *
 * At a horizon they are the forecast's; between two, and before the first, the square of each grows evenly with time, as
 * that of a random walk does. `null` beyond the last horizon, or where nothing is forecast.
 */
export function coneAt(
  horizons: readonly Pick<HorizonForecast, "horizon_min" | "cone">[],
  minutes: number,
): number[] | null {
  let [before, at]: [readonly number[] | null, number] = [null, 0];
  for (const { horizon_min: end, cone } of horizons) {
    if (cone === null) continue;
    if (minutes <= end) {
      const part = (minutes - at) / (end - at);
      return cone.map((to, i) => between(before?.[i] ?? 0, to, part));
    }
    [before, at] = [cone, end];
  }
  return null;
}

function between(from: number, to: number, part: number): number {
  const square = (value: number) => value * Math.abs(value);
  const found = square(from) + part * (square(to) - square(from));
  return Math.sign(found) * Math.sqrt(Math.abs(found));
}

/** A probability that is known exactly only between the outermost quantiles. */
export interface Chance {
  readonly probability: number;
  /** `<`: less than that; `>`: more than that. */
  readonly bound: "" | "<" | ">";
}

/** How likely a level is touched before the horizon ends: of one above the price by the highest high, else by the lowest low. */
export function touchChance(horizon: HorizonForecast, price: number, level: number): Chance | null {
  const percent = returnTo(price, level);
  const quantiles = percent >= 0 ? horizon.high : horizon.low;
  if (quantiles === null || !Number.isFinite(percent)) return null;
  const below = shareBelow(quantiles, percent);
  if (percent < 0) return below;
  const bound = below.bound === "<" ? ">" : below.bound === ">" ? "<" : "";
  return { probability: 1 - below.probability, bound };
}

/** The share of outcomes below a return, by its quantiles. */
export function shareBelow(quantiles: readonly number[], percent: number): Chance {
  const last = TAILS.length - 1;
  if (percent <= (quantiles[0] ?? 0)) return { probability: TAILS[0], bound: percent === quantiles[0] ? "" : "<" };
  for (let i = 1; i <= last; i += 1) {
    const [low, high] = [quantiles[i - 1] ?? 0, quantiles[i] ?? 0];
    if (percent > high) continue;
    const part = high > low ? (percent - low) / (high - low) : 1;
    const [from, to] = [SCORES[i - 1] ?? 0, SCORES[i] ?? 0];
    return { probability: normalShare(from + part * (to - from)), bound: "" };
  }
  return { probability: TAILS[last] ?? 1, bound: ">" };
}

/** Φ, to 1.5e-7 (Abramowitz & Stegun 7.1.26). */
function normalShare(score: number): number {
  const x = Math.abs(score) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return score >= 0 ? 1 - tail / 2 : tail / 2;
}

export interface Size {
  readonly stop: number;
  /** How far the stop is, percent of the price. */
  readonly distance: number;
  /** Base units whose loss at the stop, with costs, is the risk. */
  readonly size: number;
  readonly value: number;
  readonly cost: number;
}

/** The stop that is touched in one of ten within the horizon, and the size that loses `risk` (quote units) there.
 *
 * A round trip's cost (bp) is part of the loss. `null` while that is not forecast.
 */
export function sizeFor(
  horizon: HorizonForecast,
  price: number,
  risk: number,
  costBp: number | null,
  side: "long" | "short",
): Size | null {
  const percent = side === "long" ? horizon.low?.[1] : horizon.high?.[4];
  if (percent === undefined || costBp === null || !(risk > 0)) return null;
  const stop = priceAt(price, percent);
  const loss = Math.abs(price - stop) + (price * costBp) / 1e4;
  const size = risk / loss;
  return {
    stop,
    distance: (100 * Math.abs(stop - price)) / price,
    size,
    value: size * price,
    cost: (size * price * costBp) / 1e4,
  };
}
