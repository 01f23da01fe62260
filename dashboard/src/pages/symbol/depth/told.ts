// Depth in words and numbers: what is under the cursor, and the table of what is in sight.

import type { Cell } from "../../../format/csv";
import { numberText, onTick, priceText } from "../../../format/numbers";
import { timeText } from "../../../format/times";
import { BINS, sidesOf, sizeIn, type DepthColumns } from "./columns";
import type { View } from "./paint";

export const headOf = ["second (UTC)", "best bid", "best ask", "size of bids", "size of asks", "known"] as const;

/** Whether the history was asked of a second. */
export type Answered = (second: number) => boolean;
const AWAITED = "asked for";

/** What is under the cursor, the most important lines first. */
export interface Hover {
  readonly lines: readonly string[];
}

const WORDS: Readonly<Record<string, string>> = {
  b: "book",
  i: "the book was not valid",
  s: "the book was stale",
  "-": "nobody looked",
};

/** What a letter of the API's `seconds` means. */
export const knownText = (letter: string | undefined): string => WORDS[letter ?? "-"] ?? "unknown";

/** What is known of a moment (seconds of the epoch, may be a fraction) at a price, or a distance from the middle. */
export function hoverOf(
  held: DepthColumns,
  moment: number,
  at: number,
  centred: boolean,
  tick: number | null,
  answered: Answered,
): Hover {
  const second = Math.floor(moment);
  const time = timeText(new Date(second * 1_000).toISOString());
  const column = held.at(second);
  const known = column?.block.known[column.i];
  if (column === null || known !== "b")
    return { lines: [time, column === null && !answered(second) ? AWAITED : knownText(known)] };
  const { block, i } = column;
  const [bid, ask] = [block.bids[i] ?? 0, block.asks[i] ?? 0];
  const price = at + (centred ? (bid + ask) / 2 : 0);
  const j = Math.floor(price / block.width + 1e-6) - (block.lows[i] ?? 0);
  const first = ((block.lows[i] ?? 0) + j) * block.width;
  const size = j < 0 || j >= BINS ? "beyond the bins" : `${numberText(sizeIn(block, i, j), 3)}`;
  const bin = `${priceText(onTick(first, tick), tick)} – ${priceText(onTick(first + block.width, tick), tick)}`;
  const touch = `touch ${priceText(bid, tick)} / ${priceText(ask, tick)}`;
  return { lines: [size, bin, time, touch] };
}

/** The seconds in sight, oldest first. */
export function rowsOf(held: DepthColumns, view: View, now: number, answered: Answered): Cell[][] {
  const rows: Cell[][] = [];
  for (let second = Math.ceil(view.left); second < Math.min(now, view.left + view.span); second += 1) {
    const column = held.at(second);
    const known = column?.block.known[column.i];
    const time = new Date(second * 1_000).toISOString();
    if (column === null || known !== "b")
      rows.push([time, null, null, null, null, column === null && !answered(second) ? AWAITED : knownText(known)]);
    else {
      const { block, i } = column;
      rows.push([time, block.bids[i] ?? null, block.asks[i] ?? null, ...sidesOf(column), knownText(known)]);
    }
  }
  return rows;
}
