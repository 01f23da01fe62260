import { describe, expect, it } from "vitest";
import { durationText, horizonText, milliseconds, utcText } from "./times";

describe("times", () => {
  it("says how long something lasted in the unit that counts", () => {
    const said = [0.04, 9.94, 59, 130, 3_600, 5_400, 90_000, 1_000_000, null].map((seconds) => durationText(seconds));
    expect(said).toEqual(["0.0 s", "9.9 s", "59 s", "2 min", "1 h", "1 h 30 min", "1 d 1 h", "11 d", "—"]);
  });
  it("knows 1970 as never", () => {
    expect(milliseconds("1970-01-01T00:00:00.000Z")).toBeNull();
    expect(utcText("1970-01-01T00:00:00.000Z")).toBe("—");
    expect(utcText("2026-06-03T12:05:09.123Z")).toBe("2026-06-03 12:05:09 UTC");
  });
  it("writes horizons short", () => {
    expect([15, 60, 240, 1_440].map(horizonText)).toEqual(["15m", "1h", "4h", "1d"]);
  });
});
