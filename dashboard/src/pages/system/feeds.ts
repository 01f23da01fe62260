// Feeds added up by kind: what is fresh, what is old, what was refused.

import type { Status } from "../../api/types";

export type Feed = Status["feeds"][number];

export interface KindOfFeed {
  readonly kind: string;
  readonly topics: number;
  readonly fresh: number;
  /** Topics that are neither fresh nor known not to exist. */
  readonly wrong: number;
  readonly oldestMs: number | null;
  readonly lagMs: number | null;
  readonly messages: number;
  readonly rejected: number;
  readonly resyncs: number;
}

/** Share of the frames of a feed that could not be true, 0 to 1; `null` before any came. */
export function refusedShare({ messages, rejected }: Pick<Feed, "messages" | "rejected">): number | null {
  const all = messages + rejected;
  return all === 0 ? null : rejected / all;
}

/** Whether a feed needs somebody's eye: what the exchange does not have is nobody's fault. */
export function isWrong(feed: Feed): boolean {
  if (feed.reason !== null) return false;
  return feed.data_quality !== "live" || !feed.connected || feed.mute === true;
}

export function byKind(feeds: readonly Feed[]): KindOfFeed[] {
  const kinds = [...new Set(feeds.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const own = feeds.filter((feed) => feed.kind === kind);
    const ages = own.flatMap(({ age_ms }) => age_ms ?? []);
    const lags = own.flatMap(({ lag_ms }) => lag_ms ?? []).sort((a, b) => a - b);
    const sum = (of: (feed: Feed) => number): number => own.reduce((total, feed) => total + of(feed), 0);
    return {
      kind,
      topics: own.length,
      fresh: own.filter(({ data_quality }) => data_quality === "live").length,
      wrong: own.filter(isWrong).length,
      oldestMs: ages.length === 0 ? null : Math.max(...ages),
      lagMs: lags[Math.floor(lags.length / 2)] ?? null,
      messages: sum(({ messages }) => messages),
      rejected: sum(({ rejected }) => rejected),
      resyncs: sum(({ resyncs }) => resyncs),
    };
  });
}
