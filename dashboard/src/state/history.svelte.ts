// Closes of the last 24 hours, for the small lines in tables: asked for by whoever is in sight, three at a time.

import { SvelteMap } from "svelte/reactivity";
import { ApiError, get } from "../api/client";
import type { Bars } from "../api/types";

const TIMEFRAME = "30m";
const COUNT = 48;
const AT_ONCE = 3;
const FRESH_MS = 5 * 60_000;
const EMPTY_MS = 5_000;
const MOST = 1_000;
const MOST_HELD = 150; // more than are in sight at once: what left the sight long ago is fetched anew

class Histories {
  private readonly held = new SvelteMap<string, readonly number[]>();
  private readonly asked = new Map<string, number>();
  private readonly inSight = new Set<string>();
  private readonly queue: string[] = [];
  private running = 0;

  /** The closes, oldest first; empty until they came. */
  closes(symbol: string): readonly number[] {
    return this.held.get(symbol) ?? [];
  }

  /** Has the closes of a symbol fetched, unless they are held and fresh. */
  want(symbol: string): void {
    const asked = this.asked.get(symbol);
    this.inSight.delete(symbol);
    this.inSight.add(symbol); // the last wanted stands last
    const freshMs = this.closes(symbol).length === 0 ? EMPTY_MS : FRESH_MS;
    if ((asked !== undefined && Date.now() - asked < freshMs) || this.queue.length >= MOST) return;
    this.asked.set(symbol, Date.now());
    this.queue.push(symbol);
    this.pump();
  }

  private pump(): void {
    while (this.running < AT_ONCE) {
      const symbol = this.queue.shift();
      if (symbol === undefined) return;
      this.running += 1;
      void this.fetch(symbol).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
  }

  /** Forgets those that were wanted longest ago, beyond as many as are held. */
  private forget(): void {
    for (const symbol of this.inSight) {
      if (this.held.size <= MOST_HELD) return;
      if (this.held.delete(symbol)) {
        this.inSight.delete(symbol);
        this.asked.delete(symbol);
      }
    }
  }

  private async fetch(symbol: string): Promise<void> {
    try {
      const path = `/api/symbols/${encodeURIComponent(symbol)}/bars?timeframe=${TIMEFRAME}&limit=${COUNT}`;
      const found = await get<Bars>(path);
      this.held.set(
        symbol,
        found.bars.map((bar) => bar.close),
      );
      this.forget();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // whoever shows it asks again
    }
  }
}

export const histories = new Histories();
