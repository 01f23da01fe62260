// Which incidents the feed shows: what the history told, what was streamed since, by the filters of the address.

import type { Alert } from "../../api/types";

export const LEVELS = ["info", "warning", "critical"] as const;
export const STATES = ["firing", "resolved", "expired"] as const;
export type Level = (typeof LEVELS)[number];
export type State = (typeof STATES)[number];

/** `null` lets everything through; a level lets it and higher ones. */
export interface Filter {
  readonly kind: string | null;
  readonly symbol: string | null;
  readonly severity: Level | null;
  readonly state: State | null;
}

/** The filters of an address. */
export function filterOf(query: string): Filter {
  const given = new URLSearchParams(query);
  return {
    kind: given.get("kind") || null,
    symbol: given.get("symbol") || null,
    severity: LEVELS.find((one) => one === given.get("severity")) ?? null,
    state: STATES.find((one) => one === given.get("state")) ?? null,
  };
}

/** The same as the query of an address, of the page and of the API alike; empty where nothing is filtered. */
export function queryOf(filter: Filter): string {
  const set = Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== null);
  return set.length === 0 ? "" : `?${new URLSearchParams(set).toString()}`;
}

export function passes(alert: Alert, filter: Filter): boolean {
  const { kind, symbol, severity, state } = filter;
  return (
    (kind === null || alert.alert_type === kind) &&
    (symbol === null || alert.symbol === symbol) &&
    (severity === null || LEVELS.indexOf(alert.level as Level) >= LEVELS.indexOf(severity)) &&
    (state === null || alert.state === state)
  );
}

/** Newest first, each once: as streamed, unless the history knows it to be over or acknowledged already. */
export function merged(listed: readonly Alert[], streamed: readonly Alert[], filter: Filter): Alert[] {
  const known = new Map(listed.map((alert) => [alert.id, alert]));
  for (const alert of streamed) {
    const other = known.get(alert.id);
    if (other === undefined || !((other.resolved && !alert.resolved) || (other.acknowledged && !alert.acknowledged)))
      known.set(alert.id, alert);
  }
  return [...known.values()]
    .filter((alert) => passes(alert, filter))
    .sort((one, other) => other.timestamp.localeCompare(one.timestamp) || other.id.localeCompare(one.id));
}
