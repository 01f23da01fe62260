// The figures behind an incident, as people read them: the end of a name says the unit.

import { numberText, UNKNOWN } from "../../format/numbers";
import { timeText } from "../../format/times";
import { words } from "../../format/words";

const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ["_pct", " %"],
  ["_bp", " bp"],
  ["_ms", " ms"],
  ["_min", " min"],
  ["_h", " h"],
  ["_s", " s"],
];

export interface Fact {
  readonly name: string;
  readonly text: string;
}

export function factsOf(details: Readonly<Record<string, string | number | boolean | null>>): Fact[] {
  return Object.entries(details).map(([name, value]) => {
    if (name === "event_ms" && typeof value === "number")
      return { name: "Time of the exchange", text: timeText(new Date(value).toISOString(), "moment") };
    const [ending, unit] = UNITS.find(([one]) => name.endsWith(one)) ?? ["", ""];
    return { name: words(name.slice(0, name.length - ending.length)), text: textOf(value, unit) };
  });
}

function textOf(value: string | number | boolean | null, unit: string): string {
  if (value === null) return UNKNOWN;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? `${numberText(value)}${unit}` : value;
}
