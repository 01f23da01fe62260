import { expect, it } from "vitest";
import { LEAST_MS, Painter } from "./paint";

/** A painter by a clock that is moved: what is asked for in between is painted together. */
function at() {
  let now = 0;
  const timers: [number, () => void][] = [];
  const painter = new Painter(
    () => now,
    (run, ms) => timers.push([now + ms, run]),
    (run) => timers.push([now + 1, run]),
  );
  const until = (end: number) => {
    for (;;) {
      timers.sort((one, other) => one[0] - other[0]);
      const next = timers[0];
      if (next === undefined || next[0] > end) break;
      timers.shift();
      now = next[0];
      next[1]();
    }
    now = end;
  };
  return { painter, until };
}

it("paints at once, then ten times a second at most, however often it is asked", () => {
  const { painter, until } = at();
  let painted = 0;
  const paint = () => (painted += 1);
  for (let ms = 0; ms < 1_000; ms += 5) {
    until(ms);
    painter.ask(paint);
  }
  expect(painted).toBeGreaterThanOrEqual(8);
  expect(painted).toBeLessThanOrEqual(1_000 / LEAST_MS);
  until(2_000);
  const last = painted;
  until(5_000);
  expect(painted).toBe(last);
});

it("runs each that asked once, in order", () => {
  const { painter, until } = at();
  const ran: string[] = [];
  const [one, other] = [() => void ran.push("one"), () => void ran.push("other")];
  for (const run of [one, other, one]) painter.ask(run);
  until(10);
  expect(ran).toEqual(["one", "other"]);
});
