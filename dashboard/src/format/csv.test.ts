import { describe, expect, it } from "vitest";
import { csvText, fileName } from "./csv";

describe("numbers as a file", () => {
  it("keeps numbers whole, quotes what needs it, and leaves unknown empty", () => {
    expect(
      csvText(
        ["time", "close"],
        [
          ['a,"b"', 0.1],
          ["x", null],
        ],
      ),
    ).toBe('time,close\r\n"a,""b""",0.1\r\nx,\r\n');
  });
  it("lets no name be taken for a formula", () => {
    expect(csvText(["name"], [["=1+1"], ["@x"]])).toBe("name\r\n'=1+1\r\n'@x\r\n");
  });
  it("names files plainly, whatever a symbol is called", () => {
    expect(fileName("<img src=x>", "bars", "5m")).toBe("img-src-x-bars-5m.csv");
    expect(fileName("龍")).toBe("numbers.csv");
  });
});
