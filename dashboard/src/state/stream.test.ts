import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Stream } from "./stream";

class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close(): void {
    this.closed = true;
  }
  tell(name: string, data: string): void {
    this.dispatchEvent(new MessageEvent(name, { data }));
  }
}

const told: string[] = [];
const follower = {
  took: (name: string, text: string) => void told.push(`${name} ${text}`),
  told: (time: string) => void told.push(`clock ${time}`),
  opened: () => void told.push("opened"),
  lost: () => void told.push("lost"),
};
const last = () => FakeSource.made.at(-1) as FakeSource;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeSource);
  FakeSource.made = [];
  told.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("hands on what is streamed, and asks for a symbol by its whole name", () => {
  const stream = new Stream(follower, "a/b&c");
  expect(last().url).toBe("/api/stream?symbol=a%2Fb%26c");
  last().onopen?.();
  last().tell("clock", '"2026-01-01T00:00:00.000Z"');
  last().tell("ticks", "{}");
  expect(told).toEqual(["opened", "clock 2026-01-01T00:00:00.000Z", "ticks {}"]);
  stream.close();
  expect(last().closed).toBe(true);
});

it("connects again after an error, later each time, and soon again once it was open", () => {
  const stream = new Stream(follower, null);
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    const before = FakeSource.made.length;
    last().onerror?.();
    let ms = 0;
    for (; FakeSource.made.length === before; ms += 100) vi.advanceTimersByTime(100);
    waits.push(ms);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  last().onopen?.();
  const before = FakeSource.made.length;
  last().onerror?.();
  vi.advanceTimersByTime(500);
  expect(FakeSource.made.length).toBe(before + 1);
  expect(FakeSource.made.filter((source) => !source.closed).length).toBe(1);
  stream.close();
});

it("connects again when nothing came for half a minute", () => {
  const stream = new Stream(follower, null);
  last().onopen?.();
  vi.advanceTimersByTime(29_000);
  last().tell("status", "{}");
  vi.advanceTimersByTime(29_000);
  expect(FakeSource.made.length).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(FakeSource.made.length).toBe(2);
  stream.close();
  vi.advanceTimersByTime(120_000);
  expect(FakeSource.made.length).toBe(2);
});
