import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { rendered } from "../../markdown";
import { ANCHORS, anchorOf } from "./anchors";

const METHODOLOGY = readFileSync(resolve(import.meta.dirname, "../../../docs/methodology.md"), "utf8");

describe("the methodology as a page", () => {
  const html = rendered(METHODOLOGY, (path) => `/static/${path}`);

  it("has a section for each term, and one for each of its own references", () => {
    const ids = new Set([...html.matchAll(/<h\d id="([^"]+)"/g)].map((found) => found[1]));
    const wanted = [...Object.values(ANCHORS), ...[...html.matchAll(/href="#([^"]+)"/g)].map((found) => found[1])];
    expect(wanted.filter((anchor) => !ids.has(anchor))).toEqual([]);
  });

  it("links to nothing that is not on the page, and has no style and no script", () => {
    expect([...html.matchAll(/href="(?!#)[^"]*"/g)]).toEqual([]);
    expect(html).not.toMatch(/<script|style=|<iframe/);
    expect(html).toContain('<img src="/static/maps/technical.svg"');
  });

  it("makes anchors as GitHub does", () => {
    expect(anchorOf("technical (weight .10, four timeframes)")).toBe("technical-weight-10-four-timeframes");
    expect(anchorOf("One pass: `virtuoso analyze`")).toBe("one-pass-virtuoso-analyze");
  });
});
