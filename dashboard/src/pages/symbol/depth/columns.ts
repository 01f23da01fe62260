// What is known of a book, second by second: blocks out of the history and of the stream, put together and bounded.

import type { Depth, DepthBlock } from "../../../api/types";
import { milliseconds } from "../../../format/times";

export const BINS = 64;
/** A block lies within one slot of so many seconds. */
export const SLOT_S = 10;
/** Steps of the scale of sizes to a factor of ten (see the API's `sizes`). */
const STEPS = 42;
const TOP = 255;
const MOST_SLOTS = 4_320;

export interface Bubble {
  /** ms of the epoch. */
  readonly at: number;
  readonly price: number;
  readonly size: number;
  readonly bought: boolean;
}

/** One block, ready to be drawn. */
export interface Block {
  /** Its first second, of the epoch by the exchange's clock. */
  readonly first: number;
  /** A letter a second (see the API's `seconds`). */
  readonly known: string;
  /** Width of a bin; 0 where no second has a book. */
  readonly width: number;
  readonly largest: number;
  /** What is added to a byte so that bytes of all blocks are steps of one scale, of size per unit of price. */
  readonly shift: number;
  readonly lows: Int32Array;
  readonly bids: Float64Array;
  readonly asks: Float64Array;
  readonly sizes: Uint8Array;
  readonly trades: readonly Bubble[];
}

/** One second of a book. */
export interface Column {
  readonly second: number;
  readonly block: Block;
  /** Which of the block's seconds it is. */
  readonly i: number;
}

export function blockOf(told: DepthBlock): Block | null {
  const begins = milliseconds(told.begins);
  if (begins === null) return null;
  const text = atob(told.sizes);
  const sizes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) sizes[i] = text.charCodeAt(i);
  const width = told.width ?? 0;
  return {
    first: Math.floor(begins / 1_000),
    known: told.seconds,
    width,
    largest: told.largest,
    shift: width > 0 && told.largest > 0 ? Math.round(STEPS * Math.log10(told.largest / width)) - TOP : 0,
    lows: Int32Array.from(told.lows, (low) => low ?? 0),
    bids: Float64Array.from(told.bids, (bid) => bid ?? Number.NaN),
    asks: Float64Array.from(told.asks, (ask) => ask ?? Number.NaN),
    sizes,
    trades: told.trades.flatMap(({ time, price, size, bought }) => {
      const at = milliseconds(time);
      return at === null ? [] : [{ at, price, size, bought }];
    }),
  };
}

/** Size (base units) that rests in bin `j` of a second. */
export function sizeIn(block: Block, i: number, j: number): number {
  const byte = block.sizes[i * BINS + j] ?? 0;
  return byte === 0 ? 0 : block.largest * 10 ** ((byte - TOP) / STEPS);
}

/** Size below and above the middle of the touch. */
export function sidesOf({ block, i }: Column): [bids: number, asks: number] {
  const middle = ((block.bids[i] ?? 0) + (block.asks[i] ?? 0)) / 2;
  const sums: [number, number] = [0, 0];
  for (let j = 0; j < BINS; j += 1) {
    const above = ((block.lows[i] ?? 0) + j + 0.5) * block.width > middle;
    sums[above ? 1 : 0] += sizeIn(block, i, j);
  }
  return sums;
}

export class DepthColumns {
  /** Most slots have one block; one in which the monitor was started anew has more. */
  private readonly slots = new Map<number, Block[]>();
  /** The newest second that is known; 0 before any. */
  newest = 0;
  private changed: [from: number, to: number] = [Number.POSITIVE_INFINITY, 0];

  /** Takes blocks; one that begins with the same second as another replaces it, unless it is shorter. */
  take(told: Depth["blocks"]): void {
    for (const each of told) {
      const block = blockOf(each);
      if (block === null || block.known.length === 0) continue;
      const slot = Math.floor(block.first / SLOT_S);
      const held = this.slots.get(slot) ?? [];
      const same = held.find(({ first }) => first === block.first);
      if (same !== undefined && same.known.length > block.known.length) continue;
      this.slots.set(slot, [...held.filter((other) => other !== same), block]);
      const { first } = block;
      this.changed = [Math.min(this.changed[0], first), Math.max(this.changed[1], first + block.known.length)];
      this.newest = Math.max(this.newest, block.first + block.known.length - 1);
    }
  }

  /** From which second up to which anything came since the last call. */
  takeChanged(): readonly [from: number, to: number] {
    const found = this.changed;
    this.changed = [Number.POSITIVE_INFINITY, 0];
    return found;
  }

  /** Forgets what is furthest from a second that is looked at, when there is too much; the first seconds of what went. */
  bound(second: number, most = MOST_SLOTS): number[] {
    if (this.slots.size <= most) return [];
    const here = second / SLOT_S;
    const far = [...this.slots.keys()].sort((one, other) => Math.abs(other - here) - Math.abs(one - here));
    const gone = far.slice(0, this.slots.size - most);
    for (const slot of gone) this.slots.delete(slot);
    return gone.map((slot) => slot * SLOT_S);
  }

  /** The blocks that have seconds from `from` up to, not including, `to`, by slots. */
  *between(from: number, to: number): Generator<Block> {
    for (let slot = Math.floor(from / SLOT_S); slot * SLOT_S < to; slot += 1) yield* this.slots.get(slot) ?? [];
  }

  /** The second, if somebody looked at it. */
  at(second: number): Column | null {
    for (const block of this.slots.get(Math.floor(second / SLOT_S)) ?? []) {
      const i = second - block.first;
      const letter = block.known[i];
      if (letter !== undefined && letter !== "-") return { second, block, i };
    }
    return null;
  }

  has(second: number): boolean {
    return this.slots.has(Math.floor(second / SLOT_S));
  }
}
