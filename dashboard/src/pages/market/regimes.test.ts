import { expect, it } from "vitest";
import type { RegimeDocument } from "../../api/types";
import { strip } from "./regimes";

const NOW = Date.parse("2026-06-03T12:00:00Z");
const document = (transitions: object[], market: string | null = "BULLISH", since: string | null = null) =>
  ({ transitions, market, since }) as unknown as RegimeDocument;
const shares = (found: ReturnType<typeof strip>) => found.map(({ regime, share }) => [regime, Math.round(share * 24)]);

it("begins with what the first known change left", () => {
  const changes = [
    { symbol: null, from: "NEUTRAL", to: "BULLISH", at: "2026-06-03T06:00:00Z" },
    { symbol: "BTCUSDT", from: "NEUTRAL", to: "BEARISH", at: "2026-06-03T05:00:00Z" },
    { symbol: null, from: "VOLATILE", to: "NEUTRAL", at: "2026-06-03T00:00:00Z" },
  ];
  expect(shares(strip(document(changes), NOW))).toEqual([
    ["VOLATILE", 12],
    ["NEUTRAL", 6],
    ["BULLISH", 6],
  ]);
});

it("is unknown before a regime was entered of which no change is told", () => {
  expect(shares(strip(document([], "BEARISH", "2026-06-03T06:00:00Z"), NOW))).toEqual([
    [null, 18],
    ["BEARISH", 6],
  ]);
  expect(shares(strip(document([], "BEARISH", "2026-05-01T06:00:00Z"), NOW))).toEqual([["BEARISH", 24]]);
  expect(shares(strip(document([], null), NOW))).toEqual([[null, 24]]);
});

it("takes a change before the day as what the day began with", () => {
  const changes = [{ symbol: null, from: "NEUTRAL", to: "BULLISH", at: "2026-06-01T06:00:00Z" }];
  expect(shares(strip(document(changes), NOW))).toEqual([["BULLISH", 24]]);
});
