// Bars as the chart takes them: evenly spaced, gaps left open, the last one still forming.

import type { Bars } from "../../../api/types";
import { milliseconds } from "../../../format/times";

export interface Bar {
  /** When it began, ms of the epoch. */
  readonly at: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** The length of a timeframe such as `5m`, ms. */
export function lengthOf(timeframe: string): number {
  return Number(timeframe.slice(0, -1)) * (UNITS[timeframe.slice(-1)] ?? NaN);
}

export function barsOf(found: Bars | null): Bar[] {
  return (found?.bars ?? []).flatMap(({ open_time, open, high, low, close, volume }) => {
    const at = milliseconds(open_time);
    return at === null ? [] : [{ at, open, high, low, close, volume }];
  });
}

/** Those known before and those that came, oldest first; of two of one time the one that came; `most` at most. */
export function joined(before: readonly Bar[], came: readonly Bar[], most: number): Bar[] {
  const byTime = new Map([...before, ...came].map((bar) => [bar.at, bar]));
  return [...byTime.values()].sort((one, other) => one.at - other.at).slice(-most);
}

/** The bar that is not closed yet: of the minutes since `from`, and the price now; `null` while nothing of it is known. */
export function forming(minutes: readonly Bar[], from: number, price: number | null): Bar | null {
  const inside = minutes.filter((bar) => bar.at >= from);
  const [first] = inside;
  const last = inside.at(-1);
  const close = price ?? last?.close;
  if (close === undefined) return null;
  const open = first?.open ?? minutes.at(-1)?.close ?? close;
  return {
    at: from,
    open,
    high: Math.max(open, close, ...inside.map((bar) => bar.high)),
    low: Math.min(open, close, ...inside.map((bar) => bar.low)),
    close,
    volume: inside.reduce((sum, bar) => sum + bar.volume, 0),
  };
}

/** Every time from the first bar to the last and `ahead` more, with the bar of it or none. */
export function evenly(bars: readonly Bar[], length: number, ahead: number): { at: number; bar: Bar | null }[] {
  const [first] = bars;
  const last = bars.at(-1);
  if (first === undefined || last === undefined || !(length > 0)) return [];
  const byTime = new Map(bars.map((bar) => [bar.at, bar]));
  const count = Math.min(20_000, Math.round((last.at - first.at) / length) + 1 + ahead);
  return Array.from({ length: count }, (_, i) => {
    const at = first.at + i * length;
    return { at, bar: byTime.get(at) ?? null };
  });
}
