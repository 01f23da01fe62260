// What came of the newest claims of a symbol: each asked for until all that can come of it is written.

import { SvelteMap } from "svelte/reactivity";
import { ApiError, get } from "../../../api/client";
import type { SignalDetail, SignalHistory } from "../../../api/types";
import { isClaim, waits } from "../../signal/claim";

const MOST = 12;

export class CameOf {
  /** With each, when it was asked for (ms, the exchange's clock): what it waited for then may have come since. */
  private readonly held = new SvelteMap<string, { readonly detail: SignalDetail; readonly askedMs: number }>();

  /** What is known of a claim; `undefined` before it was asked for, and of older ones. */
  of(id: string): SignalDetail | undefined {
    return this.held.get(id)?.detail;
  }

  /** Asks for the newest claims of which something may have come since they were asked for; `nowMs` is the exchange's. */
  async ask(history: SignalHistory | null, nowMs: number, signal: AbortSignal): Promise<void> {
    const wanted = (history?.signals ?? []).filter(isClaim).slice(0, MOST);
    await Promise.all(
      wanted.map(async ({ id }) => {
        const known = this.held.get(id);
        if (known !== undefined && !waits(known.detail, known.askedMs)) return;
        try {
          const detail = await get<SignalDetail>(`/api/signals/${id}`, signal);
          this.held.set(id, { detail, askedMs: nowMs });
        } catch (error) {
          if (!(error instanceof ApiError) && !signal.aborted) throw error; // it is asked for with the next quarter
        }
      }),
    );
  }
}
