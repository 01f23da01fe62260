import { describe, expect, it } from "vitest";
import type { DepthBlock } from "../../../api/types";
import { BINS, DepthColumns, sidesOf, sizeIn } from "./columns";
import { bubblesOf, contrast, filling, NOTHING, PictureMaker, rangeOf, steadied, type Range, type View } from "./paint";
import { TILE_S, Tiles } from "./tiles";
import { hoverOf, rowsOf } from "./told";

const START = Date.UTC(2026, 0, 1) / 1_000;

/** A block of bins of width 2 whose middle is 1,000 at first and goes up by one bin a second; each bin holds its number. */
function told(first: number, seconds: string, largest = 10): DepthBlock {
  const known = [...seconds].map((letter) => letter === "b");
  const bytes = known.flatMap((valid) => Array.from({ length: BINS }, (_, j) => (valid ? 255 - 42 * (j % 2) : 0)));
  return {
    begins: new Date(1_000 * first).toISOString(),
    seconds,
    width: known.some(Boolean) ? 2 : null,
    lows: known.map((valid, i) => (valid ? 468 + i : null)),
    bids: known.map((valid, i) => (valid ? 1_000 + 2 * i - 0.5 : null)),
    asks: known.map((valid, i) => (valid ? 1_000 + 2 * i + 0.5 : null)),
    largest,
    sizes: btoa(String.fromCharCode(...bytes)),
    trades: [{ time: new Date(1_000 * first + 500).toISOString(), price: 1_003, size: 4, bought: true }],
    data_source: "replay",
  };
}

function heldOf(...blocks: DepthBlock[]): DepthColumns {
  const held = new DepthColumns();
  held.take(blocks);
  return held;
}

function picture(held: DepthColumns, seen: View, range: Range, most: number, rows: number, now: number) {
  return new PictureMaker().make(held, seen, range, most, rows, now);
}

const view = (left: number, span: number, centred = false): View => ({ left, span, centred });

describe("what is held of a book", () => {
  it("is found by its second, and is the size that the byte stands for", () => {
    const held = heldOf(told(START, "bbbbbbbbbb"), told(START + 10, "b-i"));
    const column = held.at(START + 3);
    expect(column).not.toBeNull();
    if (column === null) return;
    expect(column.block.bids[column.i]).toBe(1_005.5);
    expect(sizeIn(column.block, 3, 0)).toBeCloseTo(10);
    expect(sizeIn(column.block, 3, 1)).toBeCloseTo(1);
    expect(sidesOf(column).map(Math.round)).toEqual([176, 176]);
    expect(held.at(START + 11)).toBeNull();
    expect(held.at(START + 12)?.block.known[2]).toBe("i");
    expect(held.newest).toBe(START + 12);
  });
  it("is a block that grows, and never the shorter one of two", () => {
    const held = heldOf(told(START, "bb"));
    held.take([told(START, "bbbb")]);
    held.take([told(START, "bbb")]);
    expect(held.at(START + 3)).not.toBeNull();
    held.take([told(START + 6, "bb")]); // after a restart within the ten seconds
    expect([3, 4, 5, 6, 7].map((i) => held.at(START + i) !== null)).toEqual([true, false, false, true, true]);
  });
  it("is bounded: the furthest from what is looked at goes", () => {
    const held = heldOf(...Array.from({ length: 50 }, (_, i) => told(START + 10 * i, "bbbbbbbbbb")));
    const gone = held.bound(START + 90, 20);
    expect(gone.sort()).toEqual(Array.from({ length: 30 }, (_, i) => START + 200 + 10 * i));
    expect(held.bound(START + 90, 20)).toEqual([]);
    expect(held.has(START + 100)).toBe(true);
    expect(held.has(START + 490)).toBe(false);
    expect([...held.between(START, START + 500)]).toHaveLength(20);
  });
});

describe("the picture", () => {
  const held = heldOf(told(START, "bbisb"), told(START + 10, "bbbbbbbbbb"));
  it("has the bins of each second at their prices", () => {
    const range = rangeOf(held, view(START, 20));
    expect(range).not.toBeNull();
    if (range === null) return;
    expect(range[0]).toBeLessThan(2 * 468);
    expect(range[1]).toBeGreaterThan(2 * (477 + BINS));
    const drawn = picture(held, view(START, 20), [936, 936 + 2 * BINS], 100, BINS, START + 20);
    expect([drawn.step, drawn.columns, drawn.first]).toEqual([1, 21, START]);
    const column = (x: number) => Array.from({ length: BINS }, (_, y) => drawn.levels[x * drawn.rows + y]);
    const [full, faint] = [column(0).at(-1) ?? 0, column(0).at(-2) ?? 0];
    expect(full - faint).toBe(42);
    expect(column(0)).toEqual(Array.from({ length: BINS }, (_, y) => (y % 2 === 1 ? full : faint)));
    expect(column(1).at(-1)).toBe(NOTHING); // a bin higher
    expect(column(2).every((level) => level === NOTHING)).toBe(true);
    expect(drawn.middles[1]).toBe(1_002);
  });
  it("tells gaps as what they are, and none of what is not yet", () => {
    const { gaps } = picture(held, view(START, 30), [900, 1_100], 100, BINS, START + 25);
    expect(gaps).toEqual([
      { from: START + 2, to: START + 3, kind: "invalid" },
      { from: START + 3, to: START + 4, kind: "stale" },
      { from: START + 5, to: START + 10, kind: "unseen" },
      { from: START + 20, to: START + 25, kind: "unseen" },
    ]);
  });
  it("has several seconds in a column where there is no room, aligned however it is dragged", () => {
    const drawn = picture(held, view(START + 1.3, 20), [900, 1_100], 5, BINS, START + 20);
    expect([drawn.step, drawn.first % 4]).toEqual([4, START % 4]);
    expect(drawn.gaps).toEqual([{ from: START + 4, to: START + 8, kind: "unseen" }]); // one of its four has a book
  });
  it("stays where it is when the axis is the distance from the middle", () => {
    const centred = view(START + 10, 10, true);
    const drawn = picture(held, centred, [-64, 64], 100, BINS, START + 20);
    const row = (y: number) => Array.from({ length: 10 }, (_, x) => drawn.levels[x * drawn.rows + y]);
    expect(new Set(row(10)).size).toBe(1);
    expect(bubblesOf(held, centred).map(({ price }) => price)).toEqual([3]);
    expect([...drawn.middles.slice(0, 10)]).toEqual(Array.from({ length: 10 }, () => 0));
  });
  it("is the same however it came about: dragged, with what came meanwhile, or at once", () => {
    const growing = heldOf(...Array.from({ length: 20 }, (_, i) => told(START + 10 * i, "bbbbbibbbb")));
    const maker = new PictureMaker();
    const range = [900, 1_100] as const;
    const lefts = [0, 3, 3.5, 40, 10, 11, 90, 91, 95, 60, 61.7, 300, 90];
    for (const [i, left] of lefts.entries()) {
      growing.take([told(START + 200 + 10 * i, "bb")]);
      growing.take([told(START + 90, i % 2 ? "bbbbsssbbb" : "bbbbbibbbb")]);
      const seen = view(START + left, 100, i > 9);
      const made = maker.make(growing, seen, i === 5 ? [900, 1_200] : range, 60, 80, START + 400);
      const again = picture(growing, seen, i === 5 ? [900, 1_200] : range, 60, 80, START + 400);
      expect([made.levels, made.middles, made.gaps, made.first]).toEqual([
        again.levels,
        again.middles,
        again.gaps,
        again.first,
      ]);
    }
  });
  it("has ends of prices that stay while it is dragged", () => {
    expect(steadied([936.2, 1_082.7])).toEqual([930, 1_090]);
    expect(steadied([-6.4, 6.4])).toEqual([-7, 7]);
    expect(steadied([-6.4, 4], [-7, 7])).toEqual([-7, 7]);
    expect(steadied([-1, 4], [-7, 7])).toEqual([-1, 4]);
    expect(steadied([-6, 8], [-7, 7])).toEqual([-6, 8]);
  });
  it("has colours that a single wall does not darken", () => {
    const levels = Int16Array.from({ length: 1_000 }, (_, i) => (i === 0 ? 900 : i % 100));
    expect(contrast(levels)).toEqual([10, 99]);
  });
  it("knows how much of the way of the price the bins fill", () => {
    expect(filling(held, view(START, 20))).toBeNull();
    const long = heldOf(...Array.from({ length: 10 }, (_, i) => told(START + 10 * i, "bbbbbbbbbb")));
    expect(filling(long, view(START, 100))).toBeGreaterThan(0.5);
  });
});

describe("what is asked for", () => {
  it("is each quarter of an hour once, with one beside it, and the one that goes on once more when it is over", () => {
    const tiles = new Tiles();
    const now = START + 100;
    const first = tiles.wanted(START, now, now, 0);
    expect(first).toEqual([START - TILE_S, START]);
    for (const tile of first) tiles.begun(tile);
    expect(tiles.wanted(START, now, now, 0)).toEqual([]);
    expect(tiles.answered(START)).toBe(false);
    for (const tile of first) tiles.ended(tile, now);
    expect([tiles.answered(START + 5), tiles.answered(START + TILE_S)]).toEqual([true, false]);
    expect(tiles.wanted(START, now, now + 60, 0)).toEqual([]);
    expect(tiles.wanted(START, now, START + TILE_S + 60, 0)).toEqual([START, START + TILE_S]);
    tiles.forget(START - 1);
    expect(tiles.wanted(START, now, now, 0)).toEqual([START - TILE_S]);
    expect(tiles.wanted(START, now, now, START)).toEqual([]);
  });
  it("is asked for again wherever seconds were missed", () => {
    const tiles = new Tiles();
    const now = START + 4 * TILE_S;
    for (let tile = START; tile <= now; tile += TILE_S) tiles.ended(tile, now);
    tiles.forgetBetween(START + TILE_S + 5, START + 3 * TILE_S + 5);
    expect(tiles.wanted(START, now, now, START)).toEqual([1, 2, 3].map((i) => START + i * TILE_S));
  });
});

describe("words and numbers", () => {
  const held = heldOf(told(START, "bi"));
  it("say what is under the cursor", () => {
    expect(hoverOf(held, START + 0.5, 937, false, 0.5, () => true).lines[0]).toBe("10");
    expect(hoverOf(held, START + 0.5, 937 - 1_000, true, 0.5, () => true).lines[0]).toBe("10");
    expect(hoverOf(held, START + 0.5, 2_000, false, 0.5, () => true).lines[0]).toBe("beyond the bins");
    expect(hoverOf(held, START + 1, 937, false, 0.5, () => true).lines[1]).toBe("the book was not valid");
    expect(hoverOf(held, START + 7, 937, false, 0.5, () => false).lines[1]).toBe("asked for");
    expect(hoverOf(held, START + 7, 937, false, 0.5, () => true).lines[1]).toBe("nobody looked");
  });
  it("have a row a second, with what is not known left open", () => {
    const rows = rowsOf(held, view(START, 10), START + 3, () => true);
    expect(rows.map((row) => [row[1], row[5]])).toEqual([
      [999.5, "book"],
      [null, "the book was not valid"],
      [null, "nobody looked"],
    ]);
  });
});
