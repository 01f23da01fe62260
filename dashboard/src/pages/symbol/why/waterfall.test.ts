import { describe, expect, it } from "vitest";
import { waterfall, type Factor } from "./waterfall";

function factor(name: string, weight: number, parts: [string, number | null][], gain = 0.8): Factor {
  const components = parts.map(([component, points]) => ({
    name: component,
    value: points === null ? null : points / 50,
    contribution: points ?? 0,
    timeframe: null,
  }));
  const own = parts.reduce((sum, [, points]) => sum + (points ?? 0), 0);
  return {
    name,
    score: 50 + own,
    effective_weight: weight,
    contribution: gain * weight * own,
    components,
  } as unknown as Factor;
}

describe("the way from 50 to the score", () => {
  const factors = [
    factor("technical", 0.4, [
      ["rsi", 10],
      ["rsi", 4],
      ["macd", -20],
      ["cci", null],
    ]),
    factor("volume", 0.6, [
      ["obv", 5],
      ["adl", -5],
      ["cmf", 1e-3],
    ]),
  ];
  const score = 50 + factors.reduce((sum, each) => sum + each.contribution, 0);

  it("adds up, whatever is shown alone", () => {
    for (const most of [1, 3, 10]) {
      const steps = waterfall(factors, most);
      expect(steps[0]?.from).toBe(50);
      expect(steps.at(-1)?.to).toBeCloseTo(score, 10);
      steps.slice(1).forEach((step, i) => expect(step.from).toBe(steps[i]?.to));
      expect(steps.reduce((sum, step) => sum + step.count, 0)).toBe(5);
    }
  });
  it("is a step a component over all timeframes, the heaviest first, without what has no value", () => {
    const steps = waterfall(factors, 10);
    expect(steps.map((step) => step.component)).toEqual(["macd", "rsi", "obv", "adl", "cmf"]);
    expect(steps[1]?.parts).toHaveLength(2);
    expect(steps[1]?.points).toBeCloseTo(14 * 0.4 * 0.8);
  });
  it("shows what cancels within a factor, too", () => {
    const even = [
      factor("technical", 0.4, [["rsi", 10]]),
      factor("volume", 0.6, [
        ["obv", 5],
        ["adl", -5],
      ]),
    ];
    expect(waterfall(even, 10).find((step) => step.component === "obv")?.points).toBeCloseTo(5 * 0.6 * 0.8);
    expect(waterfall([], 10)).toEqual([]);
  });
});
