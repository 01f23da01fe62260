// Keeps the page itself, so that it opens without Virtuoso and can say how old what it shows is. It keeps no documents:
// those are kept by the page (src/state/last.ts).
const SHELL = "virtuoso-shell";
const PAGES = /^\/($|signals($|\/)|symbol\/|alerts($|\/)|(track-record|system|methodology|login)\/?$)/;
const PARTS = "/static/app/assets/";
const MOST_PARTS = 100;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && PAGES.test(pathname)) event.respondWith(page(request));
  else if (pathname.startsWith(PARTS)) event.respondWith(part(request));
});

// Every address is the same page: one copy of it will do.
async function page(request) {
  const shell = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) await shell.put("/", answer.clone());
    return answer;
  } catch (error) {
    const kept = await shell.match("/");
    if (kept) return kept;
    throw error;
  }
}

// The name of a part changes with its content, so what is kept stays right.
async function part(request) {
  const shell = await caches.open(SHELL);
  const kept = await shell.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await shell.put(request, answer.clone());
    const parts = (await shell.keys()).filter(({ url }) => url.includes(PARTS));
    await Promise.all(parts.slice(0, -MOST_PARTS).map((old) => shell.delete(old)));
  }
  return answer;
}
