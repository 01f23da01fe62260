import { expect, it } from "vitest";
import type { Alert } from "../../api/types";
import { filterOf, merged, queryOf } from "./feed";

const ALL = filterOf("");

function alert(id: string, changes: Partial<Alert> = {}): Alert {
  return {
    id,
    level: "warning",
    message: id,
    details: {},
    timestamp: `2026-06-03T12:00:0${id}.000Z`,
    source: "monitor",
    alert_type: "sudden_move",
    symbol: "BTCUSDT",
    resolved: false,
    resolved_at: null,
    acknowledged: false,
    labels: {},
    state: "firing",
    value: null,
    acknowledged_by: null,
    held: null,
    told_at: null,
    ...changes,
  };
}

it("reads the filters of an address and writes them again", () => {
  const filter = filterOf("?kind=sudden_move&severity=warning&symbol=%E5%B8%81USDT");
  expect(filter).toEqual({ kind: "sudden_move", symbol: "币USDT", severity: "warning", state: null });
  expect(filterOf(queryOf(filter))).toEqual(filter);
  expect(queryOf(filterOf("?severity=loud&state="))).toBe("");
});

it("shows each incident once, the newest first, as it was told last", () => {
  const over = alert("1", { resolved: true, state: "resolved" });
  const taken = alert("2", { acknowledged: true });
  const found = merged([taken, over], [alert("3"), alert("2"), alert("1")], ALL);
  expect(found.map((each) => each.id)).toEqual(["3", "2", "1"]);
  expect(found[1]?.acknowledged).toBe(true);
  expect(found[2]?.resolved).toBe(true);
  expect(merged([alert("1")], [over], ALL)[0]?.resolved).toBe(true);
});

it("leaves out of the stream what the filters leave out", () => {
  const streamed = [alert("1", { level: "info" }), alert("2", { symbol: null }), alert("3", { level: "critical" })];
  const ids = (query: string) => merged([], streamed, filterOf(query)).map((each) => each.id);
  expect(ids("?severity=warning")).toEqual(["3", "2"]);
  expect(ids("?symbol=BTCUSDT")).toEqual(["3", "1"]);
  expect(ids("?state=resolved")).toEqual([]);
});
