// What of the history is asked for: quarters of an hour around what is looked at, each once; the one that goes on, again.

export const TILE_S = 900;
/** What was kept is served so long after its second. */
const KEPT_S = 15;

const tileOf = (second: number): number => second - (second % TILE_S);

export class Tiles {
  /** By the start of a tile, up to which second it was asked for; `Infinity` while the answer is awaited. */
  private readonly asked = new Map<number, number>();

  /** The tiles that are to be asked for, for seconds from `from` to `to`, now being `now`: one beside them each way, too. */
  wanted(from: number, to: number, now: number, oldest: number): number[] {
    const found: number[] = [];
    const last = Math.min(to + TILE_S, now);
    const first = Math.max(from - TILE_S, oldest);
    for (let tile = tileOf(first); tile <= last; tile += TILE_S) {
      const upTo = this.asked.get(tile);
      const whole = tile + TILE_S + KEPT_S;
      if (upTo === undefined || (upTo < whole && now >= whole)) found.push(tile);
    }
    return found;
  }

  /** Whether what was kept of a second is here, or is known not to be. */
  answered(second: number): boolean {
    return Number.isFinite(this.asked.get(tileOf(second)) ?? Number.NaN);
  }

  begun(tile: number): void {
    this.asked.set(tile, Number.POSITIVE_INFINITY);
  }

  ended(tile: number, now: number): void {
    this.asked.set(tile, now);
  }

  /** Has what was kept of a second asked for again: no answer came, or what came is held no longer. */
  forget(second: number): void {
    this.asked.delete(tileOf(second));
  }

  /** The same of all seconds from `from` to `to`, such as were missed. */
  forgetBetween(from: number, to: number): void {
    for (let tile = tileOf(from); tile <= to; tile += TILE_S) this.forget(tile);
  }
}
