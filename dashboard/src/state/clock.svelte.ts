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

  /** Now by the exchange's clock, ms of the epoch; `null` before its offset is known. */
  exchangeNow(): number | null {
    const offset = live.status?.exchange.clock_offset_ms ?? null;
    return offset === null ? null : this.now + live.ahead + offset;
  }

  /** Seconds until a time of the exchange, by its clock; `null` where either is unknown. */
  untilExchange(iso: string | null | undefined): number | null {
    const due = milliseconds(iso);
    const offset = live.status?.exchange.clock_offset_ms ?? null;
    return due === null || offset === null ? null : Math.max(0, (due - this.now - live.ahead - offset) / 1_000);
  }

  /** How old something of the exchange is, by the exchange's clock, seconds: a recording has times of its own. */
  exchangeAge(iso: string | null | undefined): number | null {
    const made = milliseconds(iso);
    const offset = live.status?.exchange.clock_offset_ms ?? null;
    return made === null || offset === null ? null : Math.max(0, (this.now + live.ahead + offset - made) / 1_000);
  }
}

export const clock = new Clock();
