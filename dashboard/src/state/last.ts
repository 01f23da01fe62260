// The last documents, kept in this browser once a minute: what the page shows, with its age, when Virtuoso is out of reach.

import type { DocumentName } from "../api/types";

const CACHE = "virtuoso-last";
const NAMES: readonly DocumentName[] = ["overview", "signals", "alerts", "regime", "status"];
const EVERY_MS = 60_000;

let keptAt = Number.NEGATIVE_INFINITY;

// Only a page over HTTPS, or of this machine, may keep anything.
const possible = (): boolean => "caches" in globalThis;

/** Keeps the texts of documents, once a minute at most. */
export async function keepLast(texts: ReadonlyMap<DocumentName, string>): Promise<void> {
  if (!possible() || Date.now() - keptAt < EVERY_MS || !NAMES.every((name) => texts.has(name))) return;
  keptAt = Date.now();
  try {
    const cache = await caches.open(CACHE);
    await Promise.all(NAMES.map((name) => cache.put(`/last/${name}`, new Response(texts.get(name)))));
  } catch {
    // no room, or the browser keeps nothing: the page works without
  }
}

/** The texts that were kept last; none where nothing was. */
export async function keptLast(): Promise<[DocumentName, string][]> {
  if (!possible()) return [];
  try {
    const cache = await caches.open(CACHE);
    const found = await Promise.all(
      NAMES.map(async (name): Promise<[DocumentName, string | undefined]> => [
        name,
        await (await cache.match(`/last/${name}`))?.text(),
      ]),
    );
    return found.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
  } catch {
    return [];
  }
}

/** Forgets them, for whoever logs out. */
export async function forgetLast(): Promise<void> {
  if (possible()) await caches.delete(CACHE);
}

/** Has the page itself kept, where the browser can. */
export function keepPage(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/static/app/worker.js", { scope: "/" }).catch(() => {
    // a browser that is told to keep nothing; the page works without
  });
}
