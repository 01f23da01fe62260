import { describe, expect, it } from "vitest";
import type { Book, Tape } from "../../../api/types";
import { DepthHistory, FIRST, GAP, LAST, NOTHING, picture, rangeOf } from "./depth";

const START = Date.UTC(2026, 0, 1);
const book = (second: number, bids: [number, number][], asks: [number, number][]): Book =>
  ({ bids, asks, updated_at: bids.length ? new Date(START + second * 1_000).toISOString() : null }) as unknown as Book;

describe("the book second by second", () => {
  it("repeats a book over a short silence and leaves a longer one open", () => {
    const history = new DepthHistory(10);
    history.take(book(0, [[99, 1]], [[101, 1]]), START);
    history.take(book(6, [[99, 2]], [[101, 1]]), START);
    const valid = history.all().map((column) => (column === null ? null : column.book !== null));
    expect(valid).toEqual([null, null, null, true, true, true, false, false, false, true]);
  });
  it("knows a book that is not valid as a gap", () => {
    const history = new DepthHistory(3);
    history.take(book(0, [[99, 1]], [[101, 1]]), START);
    history.take(book(1, [], []), START + 1_000);
    expect(history.all().map((column) => column?.book ?? null)).toEqual([null, expect.anything(), null]);
  });
  it("remembers large trades once", () => {
    const history = new DepthHistory(5);
    history.take(book(1, [[99, 1]], [[101, 1]]), START);
    const trade = { time: new Date(START + 1_500).toISOString(), price: 100, size: 3, bought: true };
    const tape = { trades: [trade, { ...trade, size: 1 }], large_from: 2 } as unknown as Tape;
    history.trades(tape);
    history.trades(tape);
    expect(history.bubbles()).toEqual([{ at: START + 1_500, price: 100, size: 3, bought: true }]);
  });
});

describe("the picture", () => {
  const columns = [
    null,
    { second: 1, book: { bids: [[99, 4]], asks: [[101, 1]] } },
    { second: 2, book: null },
  ] as unknown as Parameters<typeof picture>[0];
  it("has rows from the highest price, gaps as gaps, and nothing before it began", () => {
    const drawn = picture(columns, 4, [98, 102]);
    const column = (x: number) => [0, 1, 2, 3].map((y) => drawn[y * 3 + x]);
    expect(column(0)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    expect(column(2)).toEqual([GAP, GAP, GAP, GAP]);
    expect(column(1)[1]).toBeGreaterThanOrEqual(FIRST);
    expect(column(1)[3]).toBe(LAST);
    expect(column(1)[0]).toBe(NOTHING);
  });
  it("shows the way of the best prices with room around it", () => {
    expect(rangeOf(columns, 1)).toEqual([98, 102]);
    expect(rangeOf([null], 1)).toBeNull();
  });
});
