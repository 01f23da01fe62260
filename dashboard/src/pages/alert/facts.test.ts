import { expect, it } from "vitest";
import { factsOf } from "./facts";

it("writes figures with the unit that their name ends on", () => {
  const found = factsOf({
    move_pct: -3.41,
    minutes: 5,
    interval_h: 1,
    usual_8h_pct: null,
    direction: "down",
    live: true,
  });
  expect(found).toEqual([
    { name: "Move", text: "-3.41 %" },
    { name: "Minutes", text: "5" },
    { name: "Interval", text: "1 h" },
    { name: "Usual 8h", text: "—" },
    { name: "Direction", text: "down" },
    { name: "Live", text: "yes" },
  ]);
});

it("writes the time of an event as a time", () => {
  const [fact] = factsOf({ event_ms: Date.parse("2026-06-03T12:00:00.000Z") });
  expect(fact?.name).toBe("Time of the exchange");
  expect(fact?.text).toMatch(/^3 Jun \d\d:00$/);
});
