// What the map of the universe can be coloured by, and how deep a colour is.

import type { SignalItem } from "../../api/types";
import { decimalText, percentText, probabilityText } from "../../format/numbers";

export interface Mode {
  readonly name: "change" | "pressure" | "large";
  readonly title: string;
  readonly of: (row: SignalItem) => number | null;
  readonly text: (value: number | null) => string;
  /** The role of colour that a value has. */
  readonly role: (value: number) => string;
}

export const MODES: readonly [Mode, ...Mode[]] = [
  {
    name: "change",
    title: "change 24 h",
    of: (row) => row.change,
    text: (value) => percentText(value),
    role: (value) => (value >= 0 ? "--heat-up" : "--heat-down"),
  },
  {
    name: "pressure",
    title: "pressure",
    of: (row) => row.score,
    text: (value) => decimalText(value, 0),
    role: (value) => (value >= 50 ? "--heat-pressure-up" : "--heat-pressure-down"),
  },
  {
    name: "large",
    title: "P(large move)",
    of: (row) => row.large_move,
    text: (value) => probabilityText(value),
    role: () => "--heat-forecast",
  },
];

export interface Scale {
  /** How deep the colour of a value is, 0 to 1. */
  readonly depth: (value: number) => number;
  readonly least: string;
  readonly most: string;
}

const LEAST_CHANGE = 2;

/** Colours are deepest at what nine of ten symbols do not exceed, so that one outlier leaves the rest their colours. */
export function scaleOf(mode: Mode, rows: readonly SignalItem[]): Scale {
  if (mode.name === "large") return { depth: (value) => clamp(value / 0.6), least: "0", most: ".60" };
  if (mode.name === "pressure") return { depth: (value) => clamp(Math.abs(value - 50) / 25), least: "25", most: "75" };
  const sizes = rows.flatMap((row) => (row.change === null ? [] : [Math.abs(row.change)])).sort((a, b) => a - b);
  const limit = Math.max(LEAST_CHANGE, Math.ceil(sizes[Math.floor(0.9 * (sizes.length - 1))] ?? 0));
  return { depth: (value) => clamp(Math.abs(value) / limit), least: `-${limit} %`, most: `+${limit} %` };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
