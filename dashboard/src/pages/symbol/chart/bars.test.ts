import { describe, expect, it } from "vitest";
import { evenly, forming, joined, lengthOf, type Bar } from "./bars";

const bar = (at: number, close: number): Bar => ({
  at,
  open: close - 1,
  high: close + 2,
  low: close - 3,
  close,
  volume: 5,
});

describe("bars of the chart", () => {
  it("knows how long they are", () => {
    expect(["1m", "30m", "4h", "1d"].map(lengthOf)).toEqual([60_000, 1_800_000, 14_400_000, 86_400_000]);
  });
  it("takes what came over what was known, and lets the oldest go", () => {
    const found = joined([bar(0, 10), bar(60, 11)], [bar(120, 13), bar(60, 12)], 2);
    expect(found.map(({ at, close }) => [at, close])).toEqual([[60, 12], [120, 13]]); // prettier-ignore
  });
  it("leaves gaps open, and room ahead", () => {
    const found = evenly([bar(60, 10), bar(240, 12)], 60, 2);
    expect(found.map(({ at, bar: of }) => [at, of?.close ?? null])).toEqual([
      [60, 10], [120, null], [180, null], [240, 12], [300, null], [360, null],
    ]); // prettier-ignore
    expect(evenly([], 60, 2)).toEqual([]);
  });
  it("forms the last one of its minutes and the price now", () => {
    const minutes = [bar(0, 10), bar(60, 20), bar(120, 30)];
    expect(forming(minutes, 60, 40)).toEqual({ at: 60, open: 19, high: 40, low: 17, close: 40, volume: 10 });
    expect(forming(minutes, 180, 28)).toEqual({ at: 180, open: 30, high: 30, low: 28, close: 28, volume: 0 });
    expect(forming([], 180, null)).toBeNull();
  });
});
