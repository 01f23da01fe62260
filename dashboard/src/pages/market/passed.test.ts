import { expect, test } from "vitest";
import type { MarketOverview } from "../../api/types";
import { latestPassed, withinText } from "./passed";

const one = (horizon_min: number) => ({ horizon_min }) as MarketOverview["passed"][number];
const of = (...minutes: number[]) => latestPassed({ passed: minutes.map(one) } as unknown as MarketOverview);

test("the last hour counts, and before there is one the longest that is known", () => {
  expect(of()).toBeNull();
  expect(of(240)).toBeNull();
  expect(of(15)?.horizon_min).toBe(15);
  expect(of(15, 60, 240)?.horizon_min).toBe(60);
});

test("a band is named, and beyond all of them is said so", () => {
  expect([null, 50, 95, 100].map(withinText)).toEqual([
    "no cone was said before", "inside its 50 % band", "inside its 95 % band", "outside its 95 % band",
  ]); // prettier-ignore
});
