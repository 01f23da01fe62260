// What the track record shows of its documents: which horizon, how the figures are called, when they are too few.

import type { SignalPerformance } from "../../api/types";

export type Horizon = SignalPerformance["horizons"][number];
export type Lived = Horizon["stop_first"];
export type Side = Horizon["any_time"][number];
export type Group = SignalPerformance["groups"][number];

/** So many readings it takes for a figure, and so many claims. */
export const READINGS = 100;
export const CLAIMS = 20;

export const RULES: Readonly<Record<string, string>> = {
  claims: "BUY and SELL",
  always_long: "always long",
  momentum: "momentum",
  reversal: "reversal",
  random: "side by lot",
};

/** What rules that know nothing do. */
export const MEANINGS: Readonly<Record<string, string>> = {
  claims: "each once, at its own moment",
  always_long: "always up",
  momentum: "the way that it went over the last horizon",
  reversal: "against the way that it went over the last horizon",
  random: "up or down by lot",
};

export interface Point {
  readonly series: "large move" | "beyond costs";
  readonly claimed: number;
  readonly came: number;
  readonly n: number;
}

/** The points of the reliability of both probabilities. */
export function reliabilityOf(horizon: Horizon): Point[] {
  const points = (series: Point["series"], bins: Horizon["large_move"]["reliability"]) =>
    bins.map((bin) => ({ series, ...bin }));
  return [
    ...points("large move", horizon.large_move.reliability),
    ...points("beyond costs", horizon.beyond_costs.reliability),
  ];
}

/** The upper end of an axis of probabilities that holds all points: a tenth, two, half, or one. */
export function axisEnd(points: readonly Point[]): number {
  const most = Math.max(0, ...points.flatMap((point) => [point.claimed, point.came]));
  return [0.2, 0.4, 0.6, 0.8].find((end) => most <= end) ?? 1;
}

/** The groups of a kind at a horizon: hours in their order, the rest by how much stands behind them. */
export function groupsOf(groups: readonly Group[], by: string, horizonMin: number): Group[] {
  const found = groups.filter((group) => group.by === by && group.horizon_min === horizonMin);
  return by === "hour"
    ? found.sort((one, other) => Number(one.name) - Number(other.name))
    : found.sort((one, other) => other.readings - one.readings);
}
