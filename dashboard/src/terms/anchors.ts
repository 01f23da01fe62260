// Where the methodology explains a term: anchors of its headings, made as GitHub makes them.

import type { TermName } from "./glossary";

export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** The section of docs/methodology.md for each term; a test holds them to its headings. */
export const ANCHORS = {
  agreement: "consensus-coverage-agreement-quality",
  band: "pressure-and-its-band",
  breadth: "market-overview",
  change: "market-overview",
  claims: "signals",
  cone: "forecasts",
  confidence: "signals",
  factors: "from-bars-to-a-score",
  interruption: "outcomes-of-alerts",
  large_move: "forecasts",
  last_hour: "forecasts",
  lean: "signals",
  lift: "outcomes-of-alerts",
  momentum: "market-overview",
  net: "signals",
  percentile: "percentile",
  pressure: "pressure-and-its-band",
  quality: "consensus-coverage-agreement-quality",
  range: "forecasts",
  regime: "regime",
  signal: "signals",
  skill: "how-all-of-it-is-judged",
  trend_strength: "market-overview",
  turnover: "market-overview",
  volatility: "market-overview",
  volatility_forecast: "forecasts",
} as const satisfies Record<TermName, string>;

export const methodologyOf = (name: TermName): string => `/methodology#${ANCHORS[name]}`;
