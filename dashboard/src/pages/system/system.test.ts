import { describe, expect, it } from "vitest";
import type { MonitoringHistory } from "../../api/types";
import { byKind, isWrong, refusedShare, type Feed } from "./feeds";
import { columnsOf, msText } from "./passes";

const feed = (over: Partial<Feed>): Feed => ({
  kind: "book", topic: "t", symbol: "s", connected: true, acked: true, data_quality: "live", age_ms: 10, lag_ms: 1,
  messages: 90, rejected: 10, resyncs: 0, mute: false, polled_s: null, reason: null, refusal: null, refusals: {}, ...over,
}); // prettier-ignore

describe("feeds", () => {
  it("adds up what is of one kind", () => {
    const kinds = byKind([
      feed({}),
      feed({ age_ms: 40, data_quality: "stale" }),
      feed({ kind: "trade", age_ms: null }),
    ]);
    expect(kinds.map(({ kind, topics, fresh, wrong, oldestMs }) => [kind, topics, fresh, wrong, oldestMs])).toEqual([
      ["book", 2, 1, 1, 40],
      ["trade", 1, 1, 0, null],
    ]);
  });
  it("knows no share before anything came, and no fault in what an exchange does not have", () => {
    expect(refusedShare({ messages: 0, rejected: 0 })).toBeNull();
    expect(refusedShare(feed({}))).toBe(0.1);
    expect(isWrong(feed({ data_quality: "unavailable", reason: "no such data" }))).toBe(false);
    expect(isWrong(feed({ mute: true }))).toBe(true);
  });
});

describe("passes", () => {
  const group = (minute: number, total: number | null): MonitoringHistory["groups"][number] => ({
    since: `2026-06-03T12:${String(minute).padStart(2, "0")}:00.000Z`,
    count: 6,
    failed: 0,
    slowest: total,
    median: { total, refresh: 0, analyse: 1, decide: null, publish: 2 },
  });
  it("breaks every line where the monitor was away", () => {
    const history = { step_s: 60, groups: [group(0, 5), group(1, 6), group(9, 7)], slowest: [], reason: null };
    const [times, slowest, , refresh, , decide] = columnsOf(history);
    expect(times.map((at) => (at / 60) % 60)).toEqual([0, 1, 2, 9]);
    expect(slowest).toEqual([5, 6, null, 7]);
    expect(refresh).toEqual([0.01, 0.01, null, 0.01]);
    expect(decide).toEqual([null, null, null, null]);
  });
  it("says durations in the unit that counts", () => {
    expect([0.03, 4.5, 20.63, 341.2, 1298.9, 12_400, null].map(msText)).toEqual([
      "0.03 ms", "4.50 ms", "20.6 ms", "341 ms", "1.30 s", "12.4 s", "—",
    ]); // prettier-ignore
  });
});
