// A screen: which signals are shown and in what order. It is written into the address, so that a link opens it.

import type { SignalItem } from "../../api/types";
import type { Sorting } from "../../components/columns";

export interface Field {
  /** As rules call it (docs/alerts.md), so that a screen can become a rule. */
  readonly name: string;
  readonly title: string;
  readonly of: (row: SignalItem) => number | string | null;
  /** The texts that it can be; none: it is a number. */
  readonly choices?: readonly string[];
}

export const FIELDS: readonly Field[] = [
  { name: "score", title: "pressure", of: (row) => row.score },
  { name: "score_percentile", title: "percentile", of: (row) => row.score_percentile },
  { name: "band", title: "band", of: (row) => row.band, choices: ["stretched up", "balanced", "stretched down"] },
  { name: "signal", title: "signal", of: (row) => row.signal, choices: ["BUY", "HOLD", "SELL"] },
  { name: "confidence", title: "confidence", of: (row) => row.confidence },
  { name: "large_move", title: "P(large move)", of: (row) => row.large_move },
  { name: "change_24h", title: "change of 24 h, %", of: (row) => row.change },
  { name: "agreement", title: "agreement", of: (row) => row.agreement },
  { name: "coverage", title: "coverage", of: (row) => row.coverage },
  ...["order_flow", "order_book", "volume", "price_structure", "technical", "sentiment"].map((factor) => ({
    name: `${factor}_score`,
    title: factor.replace("_", " "),
    of: (row: SignalItem) => row.factors[factor] ?? null,
  })),
];

export const COMPARISONS = [">", "<", "=", "≠"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Condition {
  readonly field: string;
  readonly comparison: Comparison;
  readonly value: string;
}

export interface Screen {
  readonly search: string;
  readonly conditions: readonly Condition[];
  readonly sorting: Sorting | null;
}

export const WHOLE: Screen = { search: "", conditions: [], sorting: null };

/** Whether a row is in the screen. What is unknown meets no condition. */
export function matches(screen: Screen, row: SignalItem): boolean {
  if (screen.search !== "" && !row.symbol.toLowerCase().includes(screen.search.toLowerCase())) return false;
  return screen.conditions.every((condition) => holds(condition, row));
}

function holds(condition: Condition, row: SignalItem): boolean {
  const field = FIELDS.find((one) => one.name === condition.field);
  const found = field?.of(row) ?? null;
  if (field === undefined || found === null) return false;
  const value = field.choices ? condition.value : Number(condition.value);
  if (condition.comparison === "=") return found === value;
  if (condition.comparison === "≠") return found !== value;
  return condition.comparison === ">" ? found > value : found < value;
}

/** The screen of an address's query; what it does not understand is left out. */
export function parse(query: string): Screen {
  const given = new URLSearchParams(query);
  const conditions = given.getAll("where").flatMap((text) => {
    const [, field, comparison, value] = /^(\w+)([<>=≠])(.+)$/.exec(text) ?? [];
    const known = FIELDS.find((one) => one.name === field);
    if (known === undefined || comparison === undefined || value === undefined) return [];
    const good = known.choices ? known.choices.includes(value) : Number.isFinite(Number(value));
    return good ? [{ field: known.name, comparison: comparison as Comparison, value }] : [];
  });
  const sort = given.get("sort") ?? "";
  const sorting = sort === "" ? null : { column: sort.replace(/^-/, ""), descending: sort.startsWith("-") };
  return { search: given.get("q") ?? "", conditions, sorting };
}

/** The query that opens the screen, with its question mark; empty for the whole. */
export function written(screen: Screen): string {
  const query = new URLSearchParams();
  if (screen.search !== "") query.set("q", screen.search);
  for (const { field, comparison, value } of screen.conditions) query.append("where", `${field}${comparison}${value}`);
  if (screen.sorting !== null) query.set("sort", `${screen.sorting.descending ? "-" : ""}${screen.sorting.column}`);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

const OPERATORS: Record<Comparison, string> = { ">": ">", "<": "<", "=": "==", "≠": "!=" };

/** The conditions of the screen as rules write them (docs/alerts.md). */
export function conditionOf(screen: Screen): string {
  return screen.conditions
    .map(({ field, comparison, value }) => {
      const text = FIELDS.find((one) => one.name === field)?.choices !== undefined;
      return `${field} ${OPERATORS[comparison]} ${text ? JSON.stringify(value) : plainNumber(value)}`;
    })
    .join(" and ");
}

const NUMBERS = /(?<![\w.])\d[\d.]*(e[+-]?\d+)?/g;
/** A number as any notation of it is written: `5` for `5.0`, `05` and `5e0`. */
const plainNumber = (text: string): string => String(Number(text));

/** Whether a condition, as the monitor has it, is that of the screen: quotes, spaces, notations do not count. */
export function isOf(screen: Screen, when: string | null | undefined): boolean {
  const plain = (text: string) => text.replaceAll('"', "'").replace(/\s+/g, " ").replace(NUMBERS, plainNumber);
  return screen.conditions.length > 0 && plain(when ?? "") === plain(conditionOf(screen));
}

/** The screen as a rule of alerts: it fires when a symbol enters, and is resolved when it leaves. */
export function ruleOf(name: string, screen: Screen): string {
  return `version: 2\nrules:\n  - name: ${ruleName(name)}\n    when: ${quoted(conditionOf(screen))}\n`;
}

const WORDS: Record<string, string> = { ">": "above", "<": "below", "=": "is", "≠": "is-not" };
const LONGEST_NAME = 64;

/** A name of rules, 1 to 64 of a-z, 0-9, - and _: of a saved screen its own, of another what it says.
 *
 * What such a name cannot hold (a minus sign, letters of other scripts) is told apart by a hash at its end.
 */
export function ruleName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[<>=≠]/g, (sign) => ` ${WORDS[sign]} `)
    .trim()
    .replace(/\s+/g, "-");
  const held = plain.replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "");
  if (held === plain && held.length <= LONGEST_NAME && held !== "") return held;
  const hash = hashOf(name);
  return `${held.slice(0, LONGEST_NAME - 1 - hash.length) || "screen"}-${hash}`;
}

/** 32 bits in seven letters (FNV-1a). */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, "0");
}

/** What a screen is called that was not saved. */
export function titleOf(screen: Screen): string {
  return screen.conditions.map(({ field, comparison, value }) => `${field} ${comparison} ${value}`).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
