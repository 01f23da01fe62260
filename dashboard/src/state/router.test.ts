import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { addressAfter, alertPath, PLAIN, routeOf, signalPath, symbolPath } from "./routes";

it.each([
  ["/", "market", ""],
  ["/signals/", "signals", ""],
  ["/signals/0f6c", "signal", "0f6c"],
  ["/symbol/BTCUSDT", "symbol", "BTCUSDT"],
  ["/symbol/BTC/USDC:USDC", "symbol", "BTC/USDC:USDC"],
  ["/alerts", "alerts", ""],
  ["/alerts/0f6c", "alert", "0f6c"],
  ["/symbol/%E0%A4%A", "symbol", "%E0%A4%A"],
  ["/symbol/", "nowhere", ""],
  ["/nothing", "nowhere", ""],
])("%s is %s %s", (path, page, name) => expect(routeOf(path)).toEqual({ page, name }));

it.each(["BTCUSDT", "币安人生USDT", "a/b?c#d%20", "<img src=x onerror=alert(1)>"])(
  "an address leads back to %s",
  (name) => {
    expect(routeOf(new URL(symbolPath(name), "http://here").pathname)).toEqual({ page: "symbol", name });
    expect(routeOf(new URL(signalPath(name), "http://here").pathname)).toEqual({ page: "signal", name });
    expect(routeOf(new URL(alertPath(name), "http://here").pathname)).toEqual({ page: "alert", name });
  },
);

it.each([
  ["?to=%2Fsymbol%2FBTCUSDT%3Fx%3D1", "/symbol/BTCUSDT?x=1"],
  ["?to=/docs", "/docs"],
  ["", "/"],
  ["?to=/login", "/"],
  ["?to=//evil.example", "/"],
  ["?to=//evil.example/symbol/x", "/"],
  ["?to=https://evil.example/", "/"],
  ["?to=javascript:alert(1)", "/"],
  ["?to=/api/alerts", "/"],
])("the log-in with %s leads to %s", (query, address) => expect(addressAfter(query)).toBe(address));

it.each([...Object.keys(PLAIN), "/track-record/", "/signals/0f6c", "/symbol/BTCUSDT", "/alerts/0f6c"])(
  "%s opens without Virtuoso",
  (path) => {
    const [, kept = "never"] = /^const PAGES = \/(.+)\/;$/m.exec(readFileSync("public/worker.js", "utf8")) ?? [];
    expect(path).toMatch(new RegExp(kept));
  },
);
