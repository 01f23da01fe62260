import { describe, expect, it } from "vitest";
import type { SymbolSeries } from "../../../api/types";
import { pathOf, pointsOf, rowsOf, summed, sumOf } from "./series";

const at = (minute: number) => `2026-01-01T00:0${minute}:00.000Z`;
const found = {
  series: [
    { name: "a", points: [[at(0), 1], [at(1), -3], [at(5), 4]] },
    { name: "b", points: [[at(1), 7]] },
  ],
} as unknown as SymbolSeries; // prettier-ignore

describe("values of each minute", () => {
  it("sum up, and are summed over the last minutes that are known", () => {
    const points = pointsOf(found, "a");
    expect(summed(points).map(({ value }) => value)).toEqual([1, -2, 2]);
    const until = points.at(-1)?.at;
    expect(sumOf(points, 5, until)).toBe(1);
    expect(sumOf(points, 1, until)).toBe(4);
    expect(sumOf([], 5, until)).toBeNull();
    expect(sumOf(points, 1, (until ?? 0) + 600_000)).toBeNull();
  });
  it("are a line with gaps where minutes are missing", () => {
    const { path, zero } = pathOf(pointsOf(found, "a"), 100, 20, 0);
    expect(path.match(/[ML]/g)).toEqual(["M", "L", "M"]);
    expect(zero).toBeCloseTo(2 + (16 * 4) / 7);
    expect(pathOf([], 100, 20, 0).path).toBe("");
  });
  it("stand in one table by minute, unknown where they are", () => {
    expect(rowsOf(found, ["a", "b"]).map(([, ...values]) => values)).toEqual([
      [1, null],
      [-3, 7],
      [4, null],
    ]);
  });
});
