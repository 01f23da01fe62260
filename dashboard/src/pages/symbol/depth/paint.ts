// The picture of depth: a column a second (or several, where there is less room), a row a step of prices.

import { BINS, type Bubble, type DepthColumns } from "./columns";

/** Seconds in sight, from `left` on; fractions while it is dragged. */
export interface View {
  readonly left: number;
  readonly span: number;
  /** Whether the vertical axis is the distance from the middle of the touch, in quote units, not the price. */
  readonly centred: boolean;
}

/** Prices (or distances) at the bottom and top of the picture. */
export type Range = readonly [low: number, high: number];
export type GapKind = "invalid" | "stale" | "unseen";
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly kind: GapKind;
}

export interface Picture {
  /** Seconds of a column. */
  readonly step: number;
  /** The first second of the first column. */
  readonly first: number;
  readonly columns: number;
  readonly rows: number;
  /** Steps of size by column, then by row from the top; `NOTHING` where nothing rests. */
  readonly levels: Int16Array;
  /** Middle of the touch by column, as the axis has it; not a number where there is none. */
  readonly middles: Float64Array;
  readonly gaps: readonly Gap[];
}

export const NOTHING = -32_768;
const KINDS: Readonly<Record<string, GapKind>> = { i: "invalid", s: "stale", "-": "unseen" };
/** More and more known: of the seconds of one column without a book the best counts. */
const RANKS: readonly GapKind[] = ["unseen", "stale", "invalid"];
const LEAST_ROOM = 0.06;
/** So much of the axis is to be used. */
const FILLED = 0.6;
const LEAST_KNOWN_S = 60;

/** Prices in sight: the way of the touch, and the bins around it. */
export function rangeOf(held: DepthColumns, view: View): Range | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const [from, to] = [Math.floor(view.left), Math.ceil(view.left + view.span)];
  for (const block of held.between(from, to)) {
    for (let i = Math.max(0, from - block.first); i < Math.min(block.known.length, to - block.first); i += 1) {
      if (block.known[i] !== "b") continue;
      const bottom = (block.lows[i] ?? 0) * block.width;
      const middle = view.centred ? ((block.bids[i] ?? 0) + (block.asks[i] ?? 0)) / 2 : 0;
      low = Math.min(low, bottom - middle);
      high = Math.max(high, bottom + BINS * block.width - middle);
    }
  }
  if (low > high) return null;
  const room = LEAST_ROOM * (high - low);
  return [low - room, high + room];
}

/** The range with ends at round numbers; the one before as long as it does, for what is dragged is drawn anew by another. */
export function steadied([low, high]: Range, before: Range | null = null): Range {
  if (before !== null && before[0] <= low && high <= before[1] && high - low >= FILLED * (before[1] - before[0])) {
    return before;
  }
  const step = 10 ** Math.floor(Math.log10((high - low) / 4));
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

/** Makes pictures, each out of the one before where it can: of what is dragged only the new columns are drawn. */
export class PictureMaker {
  private last: (Picture & { readonly range: Range; readonly centred: boolean }) | null = null;
  private books = new Uint16Array();
  private ranks = new Uint8Array();

  /** Draws what is in sight into `rows` and `most` columns; several seconds share a column where there are more of them. */
  make(held: DepthColumns, view: View, range: Range, most: number, rows: number, now: number): Picture {
    const step = Math.max(1, Math.ceil(view.span / Math.max(1, most)));
    const first = Math.floor(view.left / step) * step;
    const columns = Math.ceil(view.span / step) + 1;
    const [from, to] = held.takeChanged();
    const last = this.last;
    const fits = last?.step === step && last.columns === columns && last.rows === rows && last.centred === view.centred;
    const levels = fits ? last.levels : new Int16Array(columns * rows);
    const middles = fits ? last.middles : new Float64Array(columns);
    if (!fits) [this.books, this.ranks] = [new Uint16Array(columns), new Uint8Array(columns)];
    const made = { step, first, columns, rows, levels, middles, range, centred: view.centred };
    const shift = fits ? (first - last.first) / step : columns;
    if (!fits || last.range[0] !== range[0] || last.range[1] !== range[1] || Math.abs(shift) >= columns) {
      this.fill(held, made, 0, columns);
    } else {
      levels.copyWithin(Math.max(0, -shift) * rows, Math.max(0, shift) * rows, (columns + Math.min(0, shift)) * rows);
      for (const each of [middles, this.books, this.ranks]) {
        each.copyWithin(Math.max(0, -shift), Math.max(0, shift), columns + Math.min(0, shift));
      }
      if (shift > 0) this.fill(held, made, columns - shift, columns);
      if (shift < 0) this.fill(held, made, 0, -shift);
      const [begin, end] = [Math.floor((from - first) / step), Math.ceil((to - first) / step)];
      if (from < to) this.fill(held, made, Math.max(0, begin), Math.min(columns, end));
    }
    this.last = { ...made, gaps: gapsOf(this.ranks, this.books, first, step, now) };
    return this.last;
  }

  /** Draws the columns from `begin` up to `end` anew. */
  private fill(
    held: DepthColumns,
    {
      step,
      first,
      rows,
      levels,
      middles,
      range: [low, high],
      centred,
    }: Omit<Picture, "gaps"> & { readonly range: Range; readonly centred: boolean },
    begin: number,
    end: number,
  ): void {
    if (begin >= end) return;
    const { books, ranks } = this;
    levels.fill(NOTHING, begin * rows, end * rows);
    middles.fill(Number.NaN, begin, end);
    books.fill(0, begin, end);
    ranks.fill(0, begin, end);
    const scale = rows / (high - low);
    for (const block of held.between(first + begin * step, first + end * step)) {
      const { sizes, shift } = block;
      const tall = block.width * scale;
      for (let i = 0; i < block.known.length; i += 1) {
        const x = Math.floor((block.first + i - first) / step);
        if (x < begin || x >= end) continue;
        const kind = KINDS[block.known[i] ?? "-"];
        if (kind !== undefined) {
          ranks[x] = Math.max(ranks[x] ?? 0, RANKS.indexOf(kind));
          continue;
        }
        books[x] = (books[x] ?? 0) + 1;
        const middle = ((block.bids[i] ?? 0) + (block.asks[i] ?? 0)) / 2;
        middles[x] = centred ? 0 : middle;
        const zero = (block.lows[i] ?? 0) * block.width - (centred ? middle : 0);
        let lower = (high - zero) * scale; // of a bin, in rows from the top
        const column = x * rows;
        for (let at = i * BINS; at < (i + 1) * BINS; at += 1, lower -= tall) {
          const byte = sizes[at] ?? 0;
          if (byte === 0) continue;
          const level = byte + shift;
          const top = Math.floor(lower - tall + 1e-6);
          const bottom = Math.min(rows, Math.max(Math.ceil(lower - 1e-6), top + 1));
          for (let cell = column + Math.max(0, top); cell < column + bottom; cell += 1) {
            if (level > (levels[cell] ?? level)) levels[cell] = level;
          }
        }
      }
    }
  }
}

/** Columns of which less than half has a book, those of one kind together; what is not yet is no gap. */
function gapsOf(ranks: Uint8Array, books: Uint16Array, first: number, step: number, now: number): Gap[] {
  const gaps: Gap[] = [];
  ranks.forEach((rank, x) => {
    const kind = RANKS[rank] ?? "unseen";
    const from = first + x * step;
    const over = Math.min(step, now - from);
    if (over <= 0 || 2 * (books[x] ?? 0) >= over) return;
    const last = gaps.at(-1);
    if (last !== undefined && last.to === from && last.kind === kind) {
      gaps[gaps.length - 1] = { ...last, to: Math.min(now, from + step) };
    } else gaps.push({ from, to: Math.min(now, from + step), kind });
  });
  return gaps;
}

const LEVELS = 8_192;
const counts = new Uint32Array(LEVELS);

/** Steps of size from which a cell is seen at all, and from which it has the full colour: of a tenth and 99 % of cells. */
export function contrast(levels: Int16Array): readonly [faint: number, full: number] {
  counts.fill(0);
  let total = 0;
  for (const level of levels) {
    if (level === NOTHING) continue;
    const at = Math.min(LEVELS - 1, Math.max(0, level + LEVELS / 2));
    counts[at] = (counts[at] ?? 0) + 1;
    total += 1;
  }
  const reached = (share: number) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) >= share * total) - LEVELS / 2;
  };
  const faint = reached(0.1);
  return [faint, Math.max(reached(0.99), faint + 1)];
}

/** Large trades in sight; where the axis is the distance, by their distance from the middle of their second. */
export function bubblesOf(held: DepthColumns, view: View): Bubble[] {
  const found: Bubble[] = [];
  for (const block of held.between(Math.floor(view.left), Math.ceil(view.left + view.span))) {
    for (const trade of block.trades) {
      if (!view.centred) found.push(trade);
      else {
        const i = Math.floor(trade.at / 1_000) - block.first;
        const middle = ((block.bids[i] ?? Number.NaN) + (block.asks[i] ?? Number.NaN)) / 2;
        if (!Number.isNaN(middle)) found.push({ ...trade, price: trade.price - middle });
      }
    }
  }
  return found;
}

/** How much of the prices that the touch went through one second's bins fill; `null` while too little is known. */
export function filling(held: DepthColumns, view: View): number | null {
  const price = rangeOf(held, { ...view, centred: false });
  let [seconds, widest] = [0, 0];
  for (const block of held.between(Math.floor(view.left), Math.ceil(view.left + view.span))) {
    if (block.width === 0) continue;
    seconds += block.known.length;
    widest = Math.max(widest, BINS * block.width);
  }
  return price === null || seconds < LEAST_KNOWN_S ? null : widest / (price[1] - price[0]);
}
