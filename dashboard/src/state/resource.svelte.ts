// A document that no stream tells of: asked for, and asked again at a steady pace while its page is open.

import { ApiError, get } from "../api/client";

const SOON_S = 3;

export class Resource<T> {
  value = $state.raw<T | null>(null);
  /** Why the last attempt failed; `null` where it did not. What came before stays. */
  error = $state<ApiError | null>(null);

  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly ended = new AbortController();

  /** Asks for `path` now, and every `everyS` seconds where that is given: sooner until it is `whole`. */
  constructor(
    private readonly path: string,
    private readonly everyS: number | null = null,
    private readonly whole: (value: T) => boolean = () => true,
  ) {
    void this.load();
  }

  /** Asks once more, now. */
  async load(): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.value = await get<T>(this.path, this.ended.signal);
      this.error = null;
    } catch (error) {
      if (this.ended.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    }
    if (this.everyS === null) return;
    const waits = this.value === null || !this.whole(this.value);
    this.timer = setTimeout(() => void this.load(), 1_000 * (waits ? Math.min(SOON_S, this.everyS) : this.everyS));
  }

  /** To be called when its page is left. */
  close(): void {
    clearTimeout(this.timer);
    this.ended.abort();
  }
}

/** A resource for as long as the component lives that asks for it; `path` may change. */
export function resource<T>(
  path: () => string,
  everyS: number | null = null,
  whole?: (value: T) => boolean,
): { readonly current: Resource<T> } {
  const found = $derived(new Resource<T>(path(), everyS, whole));
  $effect(() => {
    const now = found;
    return () => now.close();
  });
  return {
    get current() {
      return found;
    },
  };
}
