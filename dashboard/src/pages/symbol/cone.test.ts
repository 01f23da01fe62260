import { describe, expect, it } from "vitest";
import { coneAt, priceAt, returnTo, shareBelow, sizeFor, touchChance, TAILS, type HorizonForecast } from "./cone";

const CONE = [-2, -1.2, -0.6, 0.6, 1.2, 2];
const horizon = (minutes: number, scale = 1): HorizonForecast =>
  ({
    horizon_min: minutes,
    cone: CONE.map((each) => scale * each),
    high: [0.01, 0.1, 0.3, 0.9, 1.5, 2.2],
    low: [-2.4, -1.6, -0.9, -0.3, -0.1, -0.01],
    volatility: 1,
  }) as unknown as HorizonForecast;

describe("the cone", () => {
  it("is the forecast at its horizons, and as wide as a random walk between them", () => {
    const horizons = [horizon(15, 0.5), horizon(60)];
    expect(coneAt(horizons, 0)?.every((each) => each === 0)).toBe(true);
    expect(coneAt(horizons, 15)).toEqual(CONE.map((each) => 0.5 * each));
    expect(coneAt(horizons, 60)).toEqual(CONE);
    expect(coneAt(horizons, 3.75)?.[5]).toBeCloseTo(0.5);
    expect(coneAt(horizons, 37.5)?.[5]).toBeCloseTo(Math.sqrt((1 + 4) / 2));
    expect(coneAt(horizons, 61)).toBeNull();
    expect(coneAt([{ ...horizon(15), cone: null }], 10)).toBeNull();
  });
  it("holds its tails, and says no more than it knows beyond them", () => {
    CONE.forEach((each, i) => expect(shareBelow(CONE, each).probability).toBeCloseTo(TAILS[i] ?? 0, 5));
    expect(shareBelow(CONE, 0).probability).toBeCloseTo(0.5, 6);
    expect(shareBelow(CONE, -3)).toEqual({ probability: 0.025, bound: "<" });
    expect(shareBelow(CONE, 3)).toEqual({ probability: 0.975, bound: ">" });
  });
});

describe("a level", () => {
  it("is touched by the highest high above, by the lowest low below", () => {
    expect(touchChance(horizon(60), 100, priceAt(100, 1.5))?.probability).toBeCloseTo(0.1, 5);
    expect(touchChance(horizon(60), 100, priceAt(100, -1.6))?.probability).toBeCloseTo(0.1, 5);
    expect(touchChance(horizon(60), 100, 200)).toEqual({ probability: expect.closeTo(0.025) as number, bound: "<" });
    expect(touchChance(horizon(60), 100, 100)?.bound).toBe(">");
    expect(touchChance({ ...horizon(60), high: null }, 100, 101)).toBeNull();
  });
  it("is as far as its log return says", () => expect(returnTo(100, priceAt(100, -3))).toBeCloseTo(-3));
});

describe("a size", () => {
  it("loses the risk at the stop, its costs included", () => {
    for (const side of ["long", "short"] as const) {
      const found = sizeFor(horizon(60), 50_000, 100, 11, side);
      expect(found && found.size * Math.abs(50_000 - found.stop) + found.cost).toBeCloseTo(100);
      expect(found && found.stop < 50_000 === (side === "long")).toBe(true);
    }
  });
  it("is unknown without a forecast, a cost or a risk", () => {
    expect(sizeFor({ ...horizon(60), low: null }, 1, 100, 11, "long")).toBeNull();
    expect(sizeFor(horizon(60), 1, 100, null, "long")).toBeNull();
    expect(sizeFor(horizon(60), 1, 0, 11, "long")).toBeNull();
  });
});
