// All that the page knows of the market: the latest of each document, taken over from the stream when it is painted.

import { ApiError, get } from "../api/client";
import type { DocumentName, Documents } from "../api/types";
import { milliseconds } from "../format/times";
import { keepLast, keptLast } from "./last";
import { painter } from "./paint";
import { session } from "./session.svelte";
import { Stream, type Follower } from "./stream";

export type Tick = Documents["ticks"]["ticks"][number];
export type Connection = "connecting" | "open" | "lost";

/** A document, and when it came (ms of the page's own clock). */
interface Held<T> {
  readonly value: T;
  readonly at: number;
}

class Live implements Follower {
  connection = $state<Connection>("connecting");
  /** Since when the connection is not open, ms of the epoch; `null` while it is. */
  lostAt = $state<number | null>(Date.now());
  overview = $state.raw<Documents["overview"] | null>(null);
  signals = $state.raw<Documents["signals"] | null>(null);
  dashboard = $state.raw<Documents["dashboard"] | null>(null);
  alerts = $state.raw<Documents["alerts"] | null>(null);
  regime = $state.raw<Documents["regime"] | null>(null);
  status = $state.raw<Documents["status"] | null>(null);
  ticks = $state.raw<ReadonlyMap<string, Tick>>(new Map());
  /** When the ticks came, ms of the epoch: their `age_ms` counts from then. */
  ticksAt = $state(0);
  /** The document, book, tape and depth of the symbol that is followed; `null` before they came. */
  symbol = $state.raw<Documents["symbol"] | null>(null);
  book = $state.raw<Documents["book"] | null>(null);
  tape = $state.raw<Documents["tape"] | null>(null);
  depth = $state.raw<Documents["depth"] | null>(null);
  /** When the monitor was last heard, ms of the epoch here: its status says something new each second. */
  heardAt = $state<number | null>(null);
  /** How far the server's clock is ahead of this one, ms. */
  ahead = $state(0);

  private readonly waiting = new Map<DocumentName, Held<string>>();
  private readonly texts = new Map<DocumentName, string>();
  private stream: Stream | null = null;

  /** Begins to follow; with a name, its document and book too. Following the same again changes nothing. */
  follow(symbol: string | null): void {
    if (this.stream !== null && this.stream.symbol === symbol) return;
    this.stream?.close();
    this.symbol = null;
    this.book = null;
    this.tape = null;
    this.depth = null;
    this.waiting.delete("symbol");
    this.waiting.delete("book");
    this.waiting.delete("tape");
    this.waiting.delete("depth");
    this.stream = new Stream(this, symbol);
  }

  close(): void {
    this.stream?.close();
    this.stream = null;
  }

  took(name: DocumentName, text: string): void {
    this.waiting.set(name, { value: text, at: Date.now() });
    this.texts.set(name, text);
    painter.ask(this.take);
  }

  opened(): void {
    this.connection = "open";
    this.lostAt = null;
  }

  told(time: string): void {
    const now = milliseconds(time);
    if (now !== null) this.ahead = now - Date.now();
  }

  lost(): void {
    this.connection = "lost";
    this.lostAt ??= Date.now();
    void session.ask(); // the session may be over, which a stream does not say
    if (this.overview === null) void this.recall();
  }

  // Without a connection from the start, what was shown last is shown, with its age; not to whom Virtuoso refuses it.
  private async recall(): Promise<void> {
    const answers = await get("/health/live").then(
      () => true,
      (error: unknown) => !(error instanceof ApiError) || error.status !== 0,
    );
    if (answers) return;
    for (const [name, text] of await keptLast()) {
      if (this[name as "overview"] === null) this.put(name, JSON.parse(text), Date.now());
    }
  }

  /** The price of a symbol as it was last told: of the ticks, or of its signal before any came. */
  price(symbol: string, before: number | null): number | null {
    return this.ticks.get(symbol)?.price ?? before;
  }

  private readonly take = (): void => {
    for (const [name, { value, at }] of this.waiting) this.put(name, JSON.parse(value), at);
    this.waiting.clear();
    void keepLast(this.texts);
  };

  private put(name: DocumentName, found: unknown, at: number): void {
    if (name === "ticks") {
      const document = found as Documents["ticks"];
      this.ticks = new Map(document.ticks.map((tick) => [tick.symbol, tick]));
      this.ticksAt = at;
    } else {
      if (name === "status") this.hear((found as Documents["status"]).timestamp, at);
      (this as Record<string, unknown>)[name] = found;
    }
  }

  // Counted from when a new status came, so that it needs no common clock; the first one may be old already.
  private hear(timestamp: string, at: number): void {
    if (timestamp === this.status?.timestamp) return;
    const made = milliseconds(timestamp);
    if (made !== null) this.heardAt = this.status === null ? Math.min(at, made - this.ahead) : at;
  }
}

export const live = new Live();
