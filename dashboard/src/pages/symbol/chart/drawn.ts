// What of a symbol's documents is drawn over its bars.

import type { Cones, SignalHistory, SymbolDetail } from "../../../api/types";
import type { Cell } from "../../../format/csv";
import { decimalText, direction } from "../../../format/numbers";
import { milliseconds } from "../../../format/times";
import { changeText } from "../../../format/words";
import { coneAt, priceAt } from "../cone";
import type { Bar } from "./bars";
import type { DrawnCone } from "./conesDrawn";
import type { Level, Mark } from "./priceChart";

const STEPS = 24;

/** The cone that is said now, up to a horizon; `null` where none is. */
export function drawnCone(detail: SymbolDetail, horizon: number): DrawnCone | null {
  const at = milliseconds(detail.signal.timestamp);
  const price = detail.entry?.price ?? null;
  const horizons = detail.forecast?.horizons ?? [];
  if (at === null || price === null || coneAt(horizons, horizon) === null) return null;
  return { at, price, points: pointsOf((minutes) => coneAt(horizons, minutes), horizon), held: null, past: false };
}

/** Past cones as they were said, with whether they held. */
export function pastCones(found: Cones | null): DrawnCone[] {
  if (found === null) return [];
  const horizon = found.horizon_min;
  return found.cones.flatMap(({ close, price, cone, within }) => {
    const at = milliseconds(close);
    const said = [{ horizon_min: horizon, cone }];
    const points = pointsOf((minutes) => coneAt(said, minutes), horizon);
    return at === null ? [] : [{ at, price, points, held: within === null ? null : within <= 80, past: true }];
  });
}

/** Past cones as numbers: when, the price, the quantiles as prices, what came, and which band held it. */
export function pastRows(found: Cones | null): Cell[][] {
  return (found?.cones ?? []).map(({ close, price, cone, closed, within }) => [
    close,
    price,
    ...cone.map((each) => priceAt(price, each)),
    closed,
    within,
  ]);
}

/** Steps that are even in the root of time, so that the narrow end is round. */
export function pointsOf(at: (minutes: number) => number[] | null, horizon: number): DrawnCone["points"] {
  return Array.from({ length: STEPS + 1 }, (_, i) => horizon * (i / STEPS) ** 2).flatMap((minutes) => {
    const quantiles = at(minutes);
    return quantiles === null ? [] : [{ minutes, quantiles }];
  });
}

/** The cone as numbers: prices at each quantile, by horizon. */
export function coneRows(detail: SymbolDetail): Cell[][] {
  const price = detail.entry?.price ?? null;
  if (price === null) return [];
  return (detail.forecast?.horizons ?? []).flatMap(({ horizon_min, cone }) =>
    cone === null ? [] : [[horizon_min, ...cone.map((each) => priceAt(price, each))]],
  );
}

/** What an entry at the last close would go by. */
export function levelsOf(detail: SymbolDetail): Level[] {
  const entry = detail.entry;
  if (entry === null) return [];
  const targets = entry.targets.map((price, i) => ({ title: `target ${i + 1}`, price }));
  return [...targets, ...(entry.stop === null ? [] : [{ title: `stop, ${entry.side}`, price: entry.stop }])];
}

/** Past signals, at the bar that closed with them or held them, with what those made of which it is known (bp). */
export function marksOf(
  history: SignalHistory | null,
  bars: readonly Bar[],
  length: number,
  netOf: (id: string) => number | null = () => null,
): Mark[] {
  const [first] = bars;
  if (history === null || first === undefined) return [];
  return history.signals
    .flatMap(({ id, timestamp, signal, before }): Mark[] => {
      const close = milliseconds(timestamp);
      if (close === null || close <= first.at) return [];
      const at = first.at + Math.floor((close - 1 - first.at) / length) * length;
      const net = netOf(id);
      return [
        {
          at,
          text: `${changeText(signal, before)}${net === null ? "" : ` ${decimalText(net, 1, true)} bp`}`,
          came: direction(net),
          side: signal === "BUY" ? "up" : signal === "SELL" ? "down" : "none",
          id,
        },
      ];
    })
    .sort((one, other) => one.at - other.at);
}
