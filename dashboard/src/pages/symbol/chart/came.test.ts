import { afterEach, expect, it, vi } from "vitest";
import type { SignalDetail, SignalHistory } from "../../../api/types";
import { CameOf } from "./came.svelte";

const MINUTE_MS = 60_000;
const DUE = 1e12;
const HISTORY = { signals: [{ id: "one", signal: "BUY", confidence: 0.6 }] } as unknown as SignalHistory;

/** Has a claim be answered with what came of it; returns the addresses that were asked. */
function serve(closed: () => number | null): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const due = new Date(DUE).toISOString();
    const detail = { horizon_min: 60, outcomes: [{ horizon_min: 60, due, closed: closed(), net_bp: closed() }] };
    return Promise.resolve(new Response(JSON.stringify(detail as unknown as SignalDetail)));
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

it("asks for a claim until what it waited for was written, and no longer", async () => {
  let closed: number | null = null;
  const asked = serve(() => closed);
  const came = new CameOf();
  const ask = (nowMs: number) => came.ask(HISTORY, nowMs, new AbortController().signal);
  await ask(DUE - 10 * MINUTE_MS);
  expect(asked).toHaveLength(1);
  closed = 4;
  await ask(DUE + 20 * MINUTE_MS); // long after it fell due, and nobody asked since
  expect([asked.length, came.of("one")?.outcomes[0]?.net_bp]).toEqual([2, 4]);
  await ask(DUE + 35 * MINUTE_MS);
  expect(asked).toHaveLength(2);
});

it("gives up what never came", async () => {
  const asked = serve(() => null);
  const came = new CameOf();
  for (const minutes of [20, 35, 50]) await came.ask(HISTORY, DUE + minutes * MINUTE_MS, new AbortController().signal);
  expect(asked).toHaveLength(1);
});
