import { describe, expect, it } from "vitest";
import type { SignalDetail } from "../../api/types";
import { isClaim, judging, minutesAfter, waits, type Came } from "./claim";

const MINUTE_MS = 60_000;
const due = (minutes: number) => new Date(1e12 + minutes * MINUTE_MS).toISOString();
const came = (minutes: number, closed: number | null) =>
  ({ horizon_min: minutes, due: due(minutes), closed }) as unknown as Came;
const detail = (horizon: number | null, ...outcomes: Came[]) =>
  ({ horizon_min: horizon, outcomes }) as unknown as SignalDetail;

describe("a claim", () => {
  it("is a BUY or SELL with the chance that it pays", () => {
    const said = { signal: "BUY", confidence: 0.5 } as unknown as SignalDetail["said"];
    expect(isClaim(said)).toBe(true);
    expect(isClaim({ ...said, confidence: null })).toBe(false);
    expect(isClaim({ ...said, signal: "HOLD" })).toBe(false);
  });
  it("is judged by its own horizon", () => {
    expect(judging(detail(60, came(15, 1), came(60, 2)))?.closed).toBe(2);
    expect(judging(detail(null, came(15, 1)))).toBeNull();
    expect(judging(detail(30, came(15, 1)))).toBeNull();
  });
  it("waits for what is not due, and a little longer; not for what never came", () => {
    const one = detail(60, came(15, 1), came(60, null));
    expect(waits(one, 1e12 + 64 * MINUTE_MS)).toBe(true);
    expect(waits(one, 1e12 + 66 * MINUTE_MS)).toBe(false);
    expect(waits(detail(60, came(60, 1)), 1e12)).toBe(false);
  });
  it("shows its horizon and a quarter of an hour", () => {
    expect([15, 60, 1_440, null].map((horizon) => minutesAfter(detail(horizon)))).toEqual([30, 75, 180, 75]);
  });
});
