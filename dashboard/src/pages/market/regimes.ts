// The market's regimes of the last day, as a strip.

import type { RegimeDocument } from "../../api/types";
import { milliseconds, timeText } from "../../format/times";
import { titled } from "../../format/words";

export const REGIMES = ["BEARISH", "VOLATILE", "NEUTRAL", "BULLISH"] as const;
const SPAN_MS = 24 * 3_600_000;

export interface Part {
  /** `null` where it is not known what it was. */
  readonly regime: string | null;
  /** Of the whole strip, 0 to 1. */
  readonly share: number;
  readonly title: string;
}

/** The parts of the last 24 hours, oldest first; before the first change that is known, the regime is unknown. */
export function strip(document: RegimeDocument, now: number): Part[] {
  const begin = now - SPAN_MS;
  const changes = document.transitions
    .flatMap(({ symbol, from, to, at }) => {
      const ms = milliseconds(at);
      return symbol === null && ms !== null && ms < now ? [{ from, to, ms }] : [];
    })
    .sort((one, other) => one.ms - other.ms);
  const since = milliseconds(document.since);
  if (changes.length === 0 && document.market !== null && since !== null) {
    changes.push({ from: "", to: document.market, ms: Math.min(since, now) });
  }
  const found: Part[] = [];
  let from = begin;
  let regime = changes.find(({ ms }) => ms >= begin)?.from || null;
  const add = (until: number) => {
    const share = (until - from) / SPAN_MS;
    const said = regime === null ? "not known" : titled(regime);
    if (share > 0) {
      const span = `${timeText(new Date(from).toISOString(), "minute")}–${timeText(new Date(until).toISOString(), "minute")}`;
      found.push({ regime, share, title: `${said} ${span}` });
    }
  };
  for (const change of changes) {
    if (change.ms > from) {
      add(change.ms);
      from = change.ms;
    }
    regime = change.to;
  }
  add(now);
  return found;
}
