// The one clock that ages count by: it moves twice a second, and only while somebody looks.

import { milliseconds } from "../format/times";
import { live } from "./live.svelte";

const STEP_MS = 500;

class Clock {
  /** Now, ms of the epoch by this machine. */
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, STEP_MS);
    document.addEventListener("visibilitychange", () => (this.now = Date.now()));
  }

  /** How old something of the server is, seconds; `null` where its time is unknown. */
  age(iso: string | null | undefined): number | null {
    const made = milliseconds(iso);
    return made === null ? null : Math.max(0, (this.now + live.ahead - made) / 1_000);
  }

  /** How old something of the exchange is, by the exchange's clock, seconds: a recording has times of its own. */
  exchangeAge(iso: string | null | undefined): number | null {
    const made = milliseconds(iso);
    const offset = live.status?.exchange.clock_offset_ms ?? null;
    return made === null || offset === null ? null : Math.max(0, (this.now + live.ahead + offset - made) / 1_000);
  }
}

export const clock = new Clock();
