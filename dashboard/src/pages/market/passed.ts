// What came of the forecasts of the market that have just ended.

import type { MarketOverview } from "../../api/types";

const HOUR_MIN = 60;

/** That of the last hour; of the longest that is known before an hour has passed since the start; `null` before any. */
export function latestPassed(overview: MarketOverview): MarketOverview["passed"][number] | null {
  const known = overview.passed.filter((one) => one.horizon_min <= HOUR_MIN);
  return known.reduce<(typeof known)[number] | null>(
    (longest, one) => (longest === null || one.horizon_min > longest.horizon_min ? one : longest),
    null,
  );
}

/** Where the return ended in the cone that was said before: 100 stands for outside of all bands. */
export function withinText(within: number | null): string {
  if (within === null) return "no cone was said before";
  return within > 95 ? "outside its 95 % band" : `inside its ${within} % band`;
}
