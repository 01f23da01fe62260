// What a signal claimed, and how it turned out over the horizon that it was for.

import type { SignalChange, SignalDetail } from "../../api/types";

export type Came = SignalDetail["outcomes"][number];

/** Whether a BUY or SELL begins with it that says how likely it pays, and for how long. */
export function isClaim({ signal, confidence }: SignalChange): boolean {
  return (signal === "BUY" || signal === "SELL") && confidence !== null;
}

/** What came of it over its own horizon; `null` where that is not looked at. */
export function judging({ horizon_min, outcomes }: SignalDetail): Came | null {
  return outcomes.find((each) => each.horizon_min === horizon_min) ?? null;
}

/** What it made after costs over its own horizon, bp; `null` while that is not known. */
export function netOf(detail: SignalDetail | undefined): number | null {
  return detail === undefined ? null : (judging(detail)?.net_bp ?? null);
}

/** Whether something of it may still come. */
export function waits({ outcomes }: SignalDetail, nowMs: number): boolean {
  const SETTLED_MS = 5 * 60_000; // it is written a little after it falls due
  return outcomes.some((each) => each.closed === null && Date.parse(each.due) + SETTLED_MS > nowMs);
}

/** Minutes after it that are worth a look: its horizon and a quarter of an hour, three hours at most. */
export function minutesAfter({ horizon_min }: SignalDetail): number {
  const [USUAL, ROOM, MOST] = [60, 15, 180];
  return Math.min(horizon_min ?? USUAL, MOST - ROOM) + ROOM;
}
