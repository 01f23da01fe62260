import { expect, it } from "vitest";
import type { AlertDetail } from "../../api/types";
import { barsOf, coneOf, entryAt, entryOf, gapsOf, momentOf, windowOf, type Bar, type Outcome } from "./moment";

const AT = Date.parse("2026-06-03T12:00:00.000Z");
const bar = (minute: number, open = 100): Bar => ({
  at: AT + minute * 60_000,
  open,
  high: open + 1,
  low: open - 1,
  close: open + 0.5,
  volume: 1,
});

function outcome(changes: Partial<Outcome> = {}): Outcome {
  return {
    horizon_min: 15,
    symbol: "BTCUSDT",
    delivered_at: "2026-06-03T12:00:30.000Z",
    due_at: "2026-06-03T12:16:00.000Z",
    settled_at: null,
    interrupted: true,
    band: [-2, 2],
    band_reason: null,
    base: 0.05,
    entry: null,
    closed: null,
    highest: null,
    lowest: null,
    left_band: null,
    touched_min: null,
    reason: null,
    ...changes,
  };
}

const alert = (changes: object) =>
  ({
    timestamp: "2026-06-03T14:00:00.000Z",
    details: {},
    outcomes: [],
    symbol: null,
    ...changes,
  }) as unknown as AlertDetail;

it("knows the moment by the event, by the delivery, and else by how far the exchange's clock is off", () => {
  expect(momentOf(alert({ details: { event_ms: 5 }, outcomes: [outcome()] }), 0)).toBe(5);
  expect(momentOf(alert({ outcomes: [outcome()] }), 0)).toBe(AT + 30_000);
  expect(momentOf(alert({}), -7_200_000)).toBe(AT);
  expect(momentOf(alert({}), null)).toBeNull();
});

it("shows whole minutes around it and says where some are missing", () => {
  const [first, end] = windowOf(AT + 42_000);
  expect([first, end]).toEqual([AT - 3_600_000, AT + 75 * 60_000]);
  const found = barsOf(
    {
      symbol: "B",
      timeframe: "1m",
      reason: null,
      bars: [-61, -60, 0, 75].map((minute) => ({
        ...bar(minute),
        open_time: new Date(AT + minute * 60_000).toISOString(),
        turnover: 1,
      })),
    },
    [first, end],
  );
  expect(found.map(({ at }) => (at - AT) / 60_000)).toEqual([-60, 0]);
  expect(gapsOf([bar(0), bar(1), bar(4)])).toEqual([[AT + 120_000, AT + 240_000]]);
});

it("enters at the open of the first minute after the delivery", () => {
  expect(entryAt(outcome())).toBe(AT + 60_000);
  expect(entryAt(outcome({ delivered_at: "2026-06-03T12:00:00.000Z" }))).toBe(AT);
  expect(entryOf(outcome({ entry: 99 }), [])).toBe(99);
  expect(entryOf(outcome(), [bar(0), bar(1, 200)])).toBe(200);
  expect(entryOf(outcome(), [bar(0)])).toBe(100.5);
  expect(entryOf(outcome(), [])).toBeNull();
});

it("draws the band through what was issued, and nothing where nothing was", () => {
  const points = coneOf([outcome({ entry: 100 }), outcome({ horizon_min: 60, entry: 100, band: [-4, 5] })], []);
  const after = (minutes: number) => points.find((point) => point.at === AT + (minutes + 1) * 60_000);
  expect(points).toHaveLength(61);
  expect(after(0)).toMatchObject({ low: 100, high: 100 });
  expect(after(15)).toMatchObject({ low: 98, high: 102 });
  expect(after(60)).toMatchObject({ low: 96, high: 105 });
  expect(after(30)?.high).toBeGreaterThan(102);
  expect(coneOf([outcome({ band: null })], [bar(1)])).toEqual([]);
});
