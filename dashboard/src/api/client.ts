// Asks the API for JSON; what went wrong is an error with the API's own words.

import type { Problem } from "./types";

const LONGEST_MS = 20_000;
const SESSION = "/api/session"; // a wrong token at the form is told there

/** What the API says against a request: its status (0: no answer came) and why. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let refused: () => void = () => undefined;

/** Has `told` called when the API does not take who asks: with no session, or one that is over. */
export function whenRefused(told: () => void): void {
  refused = told;
}

/** The JSON of a path. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask(path, { ...(signal ? { signal } : {}) })) as T;
}

/** Sends JSON to a path; the JSON of the answer, or `null` where it is empty. */
export async function send<T>(method: "POST" | "DELETE" | "PUT", path: string, body?: unknown): Promise<T | null> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return (await ask(path, { method, ...content })) as T | null;
}

async function ask(path: string, options: RequestInit): Promise<unknown> {
  const bounds = [AbortSignal.timeout(LONGEST_MS), ...(options.signal ? [options.signal] : [])];
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.any(bounds) });
    text = await answer.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "Virtuoso does not answer");
  }
  const found: unknown = text === "" ? null : parsed(text);
  if (answer.ok) return found;
  if (answer.status === 401 && path !== SESSION) refused();
  const detail = (found as Problem | null)?.detail;
  throw new ApiError(answer.status, detail ?? `Virtuoso answered with status ${answer.status}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy between may answer with a page of its own
  }
}
