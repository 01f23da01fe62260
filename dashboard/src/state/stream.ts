// `/api/stream` as it is followed: connected again after whatever happens, sooner first and every ten seconds at last.

import type { DocumentName } from "../api/types";

const NAMES: readonly DocumentName[] = [
  "overview", "signals", "dashboard", "alerts", "regime", "status", "ticks", "symbol", "book", "tape", "depth",
]; // prettier-ignore
const SILENT_MS = 30_000;
const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** What a stream tells: texts of documents as they come, and whether it is open. */
export interface Follower {
  took(name: DocumentName, text: string): void;
  /** The server's time as the stream opened, ISO 8601. */
  told(time: string): void;
  opened(): void;
  lost(): void;
}

/** Follows the stream until it is closed; `symbol` names one whose documents are streamed too. */
export class Stream {
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;

  constructor(
    private readonly follower: Follower,
    readonly symbol: string | null,
  ) {
    this.connect();
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private connect(): void {
    this.source?.close();
    const asked = this.symbol === null ? "" : `?symbol=${encodeURIComponent(this.symbol)}`;
    const source = new EventSource(`/api/stream${asked}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.follower.opened();
      this.watch();
    };
    source.onerror = () => {
      this.follower.lost();
      this.again();
    };
    source.addEventListener("clock", (event: MessageEvent<string>) =>
      this.follower.told(JSON.parse(event.data) as string),
    );
    for (const name of NAMES) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.watch();
        this.follower.took(name, event.data);
      });
    }
    this.watch();
  }

  /** A stream that says nothing for long may be a connection that nobody told us is gone. */
  private watch(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), SILENT_MS);
  }

  private again(): void {
    this.source?.close();
    clearTimeout(this.timer);
    const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), ms);
  }
}
