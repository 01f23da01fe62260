// Values of each minute as lines: a minute that is not known is a gap.

import { scaleLinear } from "d3-scale";
import type { SymbolSeries } from "../../../api/types";
import type { Cell } from "../../../format/csv";
import { milliseconds } from "../../../format/times";

export interface Point {
  /** Open time of the minute, ms of the epoch. */
  readonly at: number;
  readonly value: number;
}

const MINUTE_MS = 60_000;

/** The points of one series; empty while it is not known. */
export function pointsOf(found: SymbolSeries | null, name: string): Point[] {
  const item = found?.series.find((each) => each.name === name);
  return (item?.points ?? []).flatMap(([time, value]) => {
    const at = milliseconds(time);
    return at === null ? [] : [{ at, value }];
  });
}

export function reasonOf(found: SymbolSeries | null, name: string): string | null {
  return found === null ? null : (found.reason ?? found.series.find((each) => each.name === name)?.reason ?? null);
}

/** The running sum, from nothing at the first minute. */
export function summed(points: readonly Point[]): Point[] {
  let sum = 0;
  return points.map(({ at, value }) => ({ at, value: (sum += value) }));
}

/** The sum over the last `minutes` before `until`; `null` where no minute of them is known. */
export function sumOf(points: readonly Point[], minutes: number, until: number | undefined): number | null {
  if (until === undefined) return null;
  const inside = points.filter(({ at }) => at > until - minutes * MINUTE_MS && at <= until);
  return inside.length === 0 ? null : inside.reduce((sum, { value }) => sum + value, 0);
}

/** A path over a box; it breaks where a minute is missing. `zero` is where that value lies, if it is in sight. */
export function pathOf(
  points: readonly Point[],
  width: number,
  height: number,
  zero: number | null,
): { path: string; zero: number | null } {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || first === last) return { path: "", zero: null };
  const values = [...points.map(({ value }) => value), ...(zero === null ? [] : [zero])];
  const x = scaleLinear([first.at, last.at], [0, width]);
  const y = scaleLinear([Math.min(...values), Math.max(...values)], [height - 2, 2]);
  let before = Number.NEGATIVE_INFINITY;
  const path = points
    .map(({ at, value }) => {
      const step = `${at - before > 2 * MINUTE_MS ? "M" : "L"}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
      before = at;
      return step;
    })
    .join("");
  return { path, zero: zero === null ? null : y(zero) };
}

/** All of them by minute, for the table: time, and a column each. */
export function rowsOf(found: SymbolSeries | null, names: readonly string[]): Cell[][] {
  const times = new Map<number, Map<string, number>>();
  for (const name of names) {
    for (const { at, value } of pointsOf(found, name)) {
      const row = times.get(at) ?? new Map<string, number>();
      row.set(name, value);
      times.set(at, row);
    }
  }
  return [...times]
    .sort(([one], [other]) => one - other)
    .map(([at, row]) => [new Date(at).toISOString(), ...names.map((name) => row.get(name) ?? null)]);
}
