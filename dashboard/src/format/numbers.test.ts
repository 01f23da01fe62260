import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import {
  amountText,
  compactText,
  decimalText,
  numberText,
  onTick,
  ordinal,
  percentText,
  priceText,
  probabilityText,
  rarityText,
} from "./numbers";

// The same table is read by tests/unit/model/test_number_table.py.
type Row = [kind: "price" | "amount" | "number", given: never[], text: string];
const table = JSON.parse(readFileSync(resolve("../tests/data/number-texts.json"), "utf8")) as Row[];
const WRITERS = { price: priceText, amount: amountText, number: numberText } as Record<
  string,
  (...given: never[]) => string
>;

describe("numbers are written as Virtuoso writes them elsewhere", () => {
  it.each(["price", "amount", "number"])("every %s of the shared table", (kind) => {
    const rows = table.filter(([found]) => found === kind);
    expect(rows.length).toBeGreaterThan(40);
    for (const [, given, text] of rows)
      expect(WRITERS[kind]?.(...given), `${kind} of ${JSON.stringify(given)}`).toBe(text);
  });
});

describe("what only the page writes", () => {
  it("gives changes their sign, and nothing none", () => {
    expect([1.5, -0.004, 0, null].map((value) => percentText(value))).toEqual(["+1.50 %", "0.00 %", "0.00 %", "—"]);
    expect(decimalText(-1234.5, 1, true)).toBe("-1,234.5");
  });
  it("writes probabilities without their zero", () => {
    expect([0.54, 1, 0, 0.996, null].map(probabilityText)).toEqual([".54", "1.00", ".00", "1.00", "—"]);
  });
  it("shortens large numbers", () => {
    expect([50_512_345_678, 999_950, 1_204, 0.5, null].map(compactText)).toEqual([
      "50.5 B",
      "1 M",
      "1.2 k",
      "0.5",
      "—",
    ]);
  });
  it("calls percentiles by their ordinals", () => {
    expect([1, 2, 3, 11, 12, 13, 21, 99.6, null].map(ordinal)).toEqual([
      "1st",
      "2nd",
      "3rd",
      "11th",
      "12th",
      "13th",
      "21st",
      "100th",
      "—",
    ]);
  });
});

it("a share is told as one in so many, and a usual one as usual", () => {
  expect([null, 0.62, 0.2, 0.025, 0.005, 0.001, 0].map(rarityText)).toEqual([
    "—", "usual", "1 in 5", "1 in 40", "1 in 200", "< 1 in 200", "< 1 in 200",
  ]); // prettier-ignore
});

it("a price that falls between steps is told at the nearest, one of unknown steps as it is", () => {
  expect([onTick(101.26, 0.5), onTick(101.26, null), onTick(-0.3, 0.25)]).toEqual([101.5, 101.26, -0.25]);
});
