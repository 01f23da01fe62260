import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, get } from "./client";

afterEach(() => vi.unstubAllGlobals());

/** Answers that end before all of it came: the page is left, the connection is lost, it takes too long. */
function cutOff(): void {
  const body = new ReadableStream({ start: (stream) => stream.error(new TypeError("network error")) });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
}

describe("what is asked of the API", () => {
  it("tells of an answer that was cut off as of one that never came", async () => {
    cutOff();
    await expect(get("/api/x")).rejects.toMatchObject({ status: 0, message: "Virtuoso does not answer" });
  });

  it("throws what ended it where whoever asked wants it no longer", async () => {
    cutOff();
    await expect(get("/api/x", AbortSignal.abort())).rejects.not.toBeInstanceOf(ApiError);
  });

  it("gives the API's own words", async () => {
    const problem = { detail: "no such signal" };
    vi.stubGlobal("fetch", () => Promise.resolve(Response.json(problem, { status: 404 })));
    await expect(get("/api/x")).rejects.toMatchObject({ status: 404, message: "no such signal" });
  });
});
