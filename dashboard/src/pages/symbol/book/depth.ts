// The book second by second since the page was opened, and how it is drawn: a column a second, a row a step of prices.

import type { Book, Tape } from "../../../api/types";
import { milliseconds } from "../../../format/times";

export interface Column {
  /** The exchange's second. */
  readonly second: number;
  /** `null` where the book was not valid. */
  readonly book: Pick<Book, "bids" | "asks"> | null;
}

export interface Bubble {
  readonly at: number;
  readonly price: number;
  readonly size: number;
  readonly bought: boolean;
}

/** A second or two without a new book is the pace of its publication; more is a gap. */
const LEAST_GAP = 3;
const MOST_BUBBLES = 400;
/** Values of the picture: nothing, no valid book, and from `FIRST` on how much is there. */
export const [NOTHING, GAP, FIRST, LAST] = [0, 1, 2, 255];

export class DepthHistory {
  private readonly columns = new Map<number, Column>();
  private readonly large = new Map<string, Bubble>();
  private newest = 0;

  constructor(readonly seconds: number) {}

  /** Takes the book as it was told; `now` is the exchange's time (ms), for a book that is not valid and has none. */
  take(book: Book, now: number): void {
    const told = milliseconds(book.updated_at) ?? now;
    const second = Math.floor(told / 1_000);
    const valid = book.bids.length > 0 && book.asks.length > 0;
    this.columns.set(second, { second, book: valid ? { bids: book.bids, asks: book.asks } : null });
    this.newest = Math.max(this.newest, second);
    for (const each of this.columns.keys()) if (each <= this.newest - this.seconds) this.columns.delete(each);
  }

  /** Remembers the trades that are large. */
  trades(tape: Tape): void {
    for (const { time, price, size, bought } of tape.trades) {
      const at = milliseconds(time);
      if (at !== null && tape.large_from !== null && size >= tape.large_from) {
        this.large.set(`${time} ${price} ${size}`, { at, price, size, bought });
      }
    }
    for (const key of this.large.keys()) {
      if (this.large.size <= MOST_BUBBLES) break;
      this.large.delete(key);
    }
  }

  /** Each second up to the newest, `null` before the first; short silences repeat the book before them. */
  all(): (Column | null)[] {
    const first = Math.min(...this.columns.keys());
    let [last, silent]: [Column | null, number] = [null, 0];
    return Array.from({ length: this.seconds }, (_, i) => {
      const second = this.newest - this.seconds + 1 + i;
      const found = this.columns.get(second);
      if (found !== undefined) {
        [last, silent] = [found, 0];
        return found;
      }
      if (second < first) return null;
      silent += 1;
      return { second, book: silent < LEAST_GAP ? (last?.book ?? null) : null };
    });
  }

  bubbles(): Bubble[] {
    const oldest = (this.newest - this.seconds) * 1_000;
    return [...this.large.values()].filter(({ at }) => at > oldest && at < (this.newest + 1) * 1_000);
  }
}

/** Prices that are in sight: from the lowest best bid to the highest best ask, and as much again on either side of it. */
export function rangeOf(columns: readonly (Column | null)[], least: number): [low: number, high: number] | null {
  const bids = columns.flatMap((column) => column?.book?.bids[0]?.[0] ?? []);
  const asks = columns.flatMap((column) => column?.book?.asks[0]?.[0] ?? []);
  if (bids.length === 0 || asks.length === 0) return null;
  const [low, high] = [Math.min(...bids), Math.max(...asks)];
  const room = Math.max(least, 0.35 * (high - low));
  return [low - room, high + room];
}

/** The picture, row by row from the highest price: how much lies at each price in each second. */
export function picture(
  columns: readonly (Column | null)[],
  rows: number,
  [low, high]: readonly [number, number],
): Uint8Array {
  const cells = new Float64Array(rows * columns.length);
  const out = new Uint8Array(rows * columns.length);
  columns.forEach((column, x) => {
    if (column === null) return;
    if (column.book === null) {
      for (let y = 0; y < rows; y += 1) out[y * columns.length + x] = GAP;
      return;
    }
    for (const [price, size] of [...column.book.bids, ...column.book.asks]) {
      const y = Math.floor(((high - price) / (high - low)) * rows);
      const at = y * columns.length + x;
      if (y >= 0 && y < rows) cells[at] = (cells[at] ?? 0) + size;
    }
  });
  const most = highest(cells);
  cells.forEach((size, at) => {
    if (size > 0) out[at] = FIRST + Math.round((LAST - FIRST) * Math.min(1, Math.sqrt(size / most)));
  });
  return out;
}

/** What only one in fifty of the cells exceeds: a single wall does not darken all others. */
function highest(cells: Float64Array): number {
  const known = cells.filter((size) => size > 0).sort();
  return known[Math.floor(0.98 * (known.length - 1))] ?? 1;
}
