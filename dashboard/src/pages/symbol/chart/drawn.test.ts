import { describe, expect, it } from "vitest";
import type { Cones, SignalHistory } from "../../../api/types";
import { marksOf, pastCones, pastRows } from "./drawn";

const CONE = [-2, -1.2, -0.6, 0.6, 1.2, 2];
const item = (within: number | null) => ({
  close: "2026-01-01T00:00:00.000Z",
  price: 100,
  cone: CONE,
  closed: 1,
  within,
});
const cones = { horizon_min: 60, cones: [item(null), item(80), item(95), item(100)] } as unknown as Cones;

describe("what is drawn over the bars", () => {
  it("leaves past cones standing and says which held", () => {
    const drawn = pastCones(cones);
    expect(drawn.map(({ held }) => held)).toEqual([null, true, false, false]);
    expect(drawn[0]?.points.at(-1)).toEqual({ minutes: 60, quantiles: CONE });
    expect(drawn[0]?.points[0]?.quantiles.every((each) => each === 0)).toBe(true);
    expect(pastCones(null)).toEqual([]);
  });
  it("has the same as numbers", () => {
    const row = pastRows(cones)[1] ?? [];
    expect(row[2]).toBeCloseTo(100 * Math.exp(-0.02));
    expect(row.slice(-2)).toEqual([1, 80]);
  });
  it("marks a signal at the bar that closed with it", () => {
    const bars = [0, 60_000].map((at) => ({ at: at + 1e12, open: 1, high: 1, low: 1, close: 1, volume: 1 }));
    const time = (ms: number) => new Date(1e12 + ms).toISOString();
    const signals = [
      { id: "b", timestamp: time(120_000), signal: "HOLD", before: "BUY" },
      { id: "a", timestamp: time(60_000), signal: "BUY", before: "HOLD" },
    ];
    const marks = marksOf({ signals } as unknown as SignalHistory, bars, 60_000);
    expect(marks.map(({ at, text, side, id }) => [at - 1e12, text, side, id])).toEqual([
      [0, "BUY", "up", "a"],
      [60_000, "BUY ended", "none", "b"],
    ]);
    const known = marksOf({ signals } as unknown as SignalHistory, bars, 60_000, (id) => (id === "a" ? -12.34 : null));
    expect(known.map(({ text, came }) => [text, came])).toEqual([
      ["BUY -12.3 bp", "down"],
      ["BUY ended", ""],
    ]);
  });
});
