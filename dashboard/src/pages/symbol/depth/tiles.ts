// What of the history is asked for: quarters of an hour around what is looked at, each once; the one that goes on, again.

export const TILE_S = 900;
/** What was kept is served so long after its second. */
const KEPT_S = 15;

export class Tiles {
  /** By the start of a tile, up to which second it was asked for; `Infinity` while the answer is awaited. */
  private readonly asked = new Map<number, number>();

  /** The tiles that are to be asked for, for seconds from `from` to `to`, now being `now`: one beside them each way, too. */
  wanted(from: number, to: number, now: number, oldest: number): number[] {
    const found: number[] = [];
    const last = Math.min(to + TILE_S, now);
    const first = Math.max(from - TILE_S, oldest);
    for (let tile = first - (first % TILE_S); tile <= last; tile += TILE_S) {
      const upTo = this.asked.get(tile);
      const whole = tile + TILE_S + KEPT_S;
      if (upTo === undefined || (upTo < whole && now >= whole)) found.push(tile);
    }
    return found;
  }

  /** Whether what was kept of a second is here, or is known not to be. */
  answered(second: number): boolean {
    return Number.isFinite(this.asked.get(second - (second % TILE_S)) ?? Number.NaN);
  }

  begun(tile: number): void {
    this.asked.set(tile, Number.POSITIVE_INFINITY);
  }

  ended(tile: number, now: number): void {
    this.asked.set(tile, now);
  }

  /** Has a tile asked for again: seconds were missed, or no answer came. */
  forget(tile: number): void {
    this.asked.delete(tile);
  }
}
