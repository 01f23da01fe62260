import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import type { SignalItem } from "../../api/types";
import {
  conditionOf,
  FIELDS,
  isOf,
  matches,
  parse,
  ruleName,
  ruleOf,
  titleOf,
  WHOLE,
  written,
  type Comparison,
  type Screen,
} from "./screen";

const row = {
  symbol: "BTCUSDT",
  score: 72,
  score_percentile: 97,
  band: "stretched up",
  signal: null,
  change: null,
  factors: { volume: 60 },
} as unknown as SignalItem;
const screen: Screen = {
  search: "btc",
  conditions: [
    { field: "score_percentile", comparison: ">", value: "95" },
    { field: "band", comparison: "=", value: "stretched up" },
  ],
  sorting: { column: "change", descending: true },
};

it("leads from its address to itself", () => {
  expect(parse(written(screen))).toEqual(screen);
  expect(written(WHOLE)).toBe("");
  expect(parse("")).toEqual(WHOLE);
});

it("leaves out what an address says wrong", () => {
  expect(parse("?where=nothing>1&where=score>high&where=band=purple&where=score&where=score<40").conditions).toEqual([
    { field: "score", comparison: "<", value: "40" },
  ]);
});

it("shows what meets every condition, and unknown values meet none", () => {
  expect(matches(screen, row)).toBe(true);
  expect(matches({ ...screen, search: "eth" }, row)).toBe(false);
  const where = (field: string, comparison: ">" | "<" | "=" | "≠", value: string) =>
    matches({ ...WHOLE, conditions: [{ field, comparison, value }] }, row);
  expect([where("change_24h", ">", "-99"), where("change_24h", "<", "99"), where("signal", "≠", "BUY")]).toEqual([
    false,
    false,
    false,
  ]);
  expect([
    where("volume_score", ">", "59"),
    where("volume_score", "<", "60"),
    where("sentiment_score", ">", "0"),
  ]).toEqual([true, false, false]);
  expect([where("band", "≠", "balanced"), where("score", "=", "72")]).toEqual([true, true]);
});

// tests/unit/alerts/test_rules_of_screens.py has Virtuoso read the same file.
it("becomes a rule in the words of rules, whatever it asks for", () => {
  const conditions = FIELDS.map(({ name, choices }) => ({
    field: name,
    comparison: (choices ? "=" : ">") as Comparison,
    value: choices?.[0] ?? "0.5",
  }));
  const rule = ruleOf("It's up: ≥ 95 %!", { ...WHOLE, conditions });
  expect(rule).toBe(readFileSync(resolve("../tests/data/screen-rule.yaml"), "utf8"));
  expect(ruleOf("币安", screen)).toMatch(/ {2}- name: screen-[a-z0-9]{7}\n/);
});

it("a screen knows its rule, whatever its quotes, and has a name that rules may have", () => {
  const screen = parse(
    `?${new URLSearchParams([
      ["where", "score<5"],
      ["where", "band=stretched up"],
    ]).toString()}`,
  );
  expect(conditionOf(screen)).toBe('score < 5 and band == "stretched up"');
  expect(isOf(screen, "score < 5 and band == 'stretched up'")).toBe(true);
  expect([isOf(screen, "score < 5"), isOf(screen, null), isOf(WHOLE, "")]).toEqual([false, false, false]);
  expect(ruleName(titleOf(screen))).toBe("score-below-5-band-is-stretched-up");
});

it("screens that say other things have rules of other names", () => {
  const names = [
    "score > 1",
    "score > -1",
    "score > 0.5",
    "score > 05",
    "币安",
    "火币",
    "x".repeat(64),
    "x".repeat(65),
  ];
  const rules = names.map(ruleName);
  expect(new Set(rules).size).toBe(names.length);
  for (const rule of rules) expect(rule).toMatch(/^[a-z0-9_-]{1,64}$/);
  expect(rules[0]).toBe("score-above-1");
  expect(ruleName("Not at  zero")).toBe("not-at-zero");
});

it("a screen knows its rule however its numbers are written", () => {
  const where = (value: string): Screen => ({
    ...WHOLE,
    conditions: [{ field: "change_24h", comparison: ">", value }],
  });
  for (const value of ["5", "5.0", "05", "5e0", "+5"]) {
    expect(conditionOf(where(value))).toBe("change_24h > 5");
    expect([isOf(where(value), "change_24h > 5"), isOf(where(value), "change_24h > 5.0")]).toEqual([true, true]);
  }
  expect(isOf(where("-0.50"), "change_24h > -0.5")).toBe(true);
  expect(isOf(where("0.0000001"), "change_24h > 1e-07")).toBe(true); // as Python writes it
  expect(isOf(where("5"), "change_24h > -5")).toBe(false);
});
