// The price around an incident: which minutes are shown, where they are missing, and the band that was issued before it.

import type { AlertDetail, Bars } from "../../api/types";
import { milliseconds } from "../../format/times";

export const MINUTE_MS = 60_000;
export const BEFORE_MIN = 60;
export const AFTER_MIN = 75;

export type Outcome = AlertDetail["outcomes"][number];

export interface Bar {
  /** When it began, ms of the epoch, the exchange's clock. */
  readonly at: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** When it happened by the exchange's clock, ms: as its event says, else by how far that clock is off now. */
export function momentOf(alert: AlertDetail, offsetMs: number | null): number | null {
  const event = alert.details["event_ms"];
  if (typeof event === "number") return event;
  const delivered = milliseconds(alert.outcomes[0]?.delivered_at);
  const made = milliseconds(alert.timestamp);
  return delivered ?? (made === null || offsetMs === null ? null : made + offsetMs);
}

/** The symbol whose price is shown: the incident's, or that which led a move of the market. */
export function symbolOf(alert: AlertDetail): string | null {
  const leader = alert.details["leader"];
  return alert.symbol ?? alert.outcomes[0]?.symbol ?? (typeof leader === "string" ? leader : null);
}

/** Of the minutes that are shown, the first and the end, ms. */
export function windowOf(moment: number, afterMin = AFTER_MIN): [first: number, end: number] {
  const minute = Math.floor(moment / MINUTE_MS) * MINUTE_MS;
  return [minute - BEFORE_MIN * MINUTE_MS, minute + afterMin * MINUTE_MS];
}

export function barsOf(found: Bars | null, [first, end]: [number, number]): Bar[] {
  return (found?.bars ?? []).flatMap(({ open_time, open, high, low, close, volume }) => {
    const at = milliseconds(open_time);
    return at === null || at < first || at >= end ? [] : [{ at, open, high, low, close, volume }];
  });
}

/** Where minutes are missing between bars: from when to when, ms. */
export function gapsOf(bars: readonly Bar[]): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (let i = 1; i < bars.length; i += 1) {
    const [before, after] = [bars[i - 1], bars[i]];
    if (before && after && after.at > before.at + MINUTE_MS) found.push([before.at + MINUTE_MS, after.at]);
  }
  return found;
}

/** When the entry is: the first minute that is not before the delivery, ms. */
export function entryAt(outcome: Outcome): number {
  return Math.ceil((milliseconds(outcome.delivered_at) ?? 0) / MINUTE_MS) * MINUTE_MS;
}

/** The entry's price: as it was settled, else the open of its minute, else the last close before it. */
export function entryOf(outcome: Outcome, bars: readonly Bar[]): number | null {
  if (outcome.entry !== null) return outcome.entry;
  const at = entryAt(outcome);
  const own = bars.find((bar) => bar.at === at);
  return own?.open ?? bars.filter((bar) => bar.at < at).at(-1)?.close ?? null;
}

export interface ConePoint {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/** The band as prices from the entry on: what was issued at the horizons, between them by the square root of time. */
export function coneOf(outcomes: readonly Outcome[], bars: readonly Bar[]): ConePoint[] {
  const banded = outcomes.filter((outcome) => outcome.band !== null);
  const first = banded[0];
  const entry = first === undefined ? null : entryOf(first, bars);
  if (first === undefined || entry === null) return [];
  const start = entryAt(first);
  const points: ConePoint[] = [{ at: start, low: entry, high: entry }];
  let [minutes, low, high] = [0, 0, 0];
  for (const { horizon_min, band } of banded) {
    const [nextLow, nextHigh] = band as [number, number];
    for (let at = minutes + 1; at <= horizon_min; at += 1) {
      const share = (Math.sqrt(at) - Math.sqrt(minutes)) / (Math.sqrt(horizon_min) - Math.sqrt(minutes));
      points.push({
        at: start + at * MINUTE_MS,
        low: entry * (1 + (low + share * (nextLow - low)) / 100),
        high: entry * (1 + (high + share * (nextHigh - high)) / 100),
      });
    }
    [minutes, low, high] = [horizon_min, nextLow, nextHigh];
  }
  return points;
}
