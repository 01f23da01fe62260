// Which page an address is of; addresses are real ones, so that a link from anywhere opens what it says.

export interface Route {
  readonly page:
    | "market"
    | "signals"
    | "signal"
    | "symbol"
    | "alerts"
    | "alert"
    | "track-record"
    | "system"
    | "methodology"
    | "login"
    | "nowhere";
  /** The symbol, or the id of the signal or incident, that it is about; else empty. */
  readonly name: string;
}

/** The pages that are about no one thing, by address. */
export const PLAIN: Readonly<Record<string, Route["page"]>> = {
  "/": "market",
  "/signals": "signals",
  "/alerts": "alerts",
  "/track-record": "track-record",
  "/system": "system",
  "/methodology": "methodology",
  "/login": "login",
};

/** The pages of one thing, by how their addresses begin. */
const OF_ONE: Readonly<Record<string, Route["page"]>> = { symbol: "symbol", signals: "signal", alerts: "alert" };

/** The page of an address. A symbol's name may hold anything, slashes too. */
export function routeOf(path: string): Route {
  const plain = PLAIN[path.length > 1 ? path.replace(/\/$/, "") : path];
  if (plain !== undefined) return { page: plain, name: "" };
  const [, kind, rest] = /^\/(symbol|signals|alerts)\/(.+)$/.exec(path) ?? [];
  if (kind === undefined || rest === undefined) return { page: "nowhere", name: "" };
  return { page: OF_ONE[kind] ?? "nowhere", name: decoded(rest) };
}

export const symbolPath = (name: string): string => `/symbol/${encodeURIComponent(name)}`;
export const signalPath = (id: string): string => `/signals/${encodeURIComponent(id)}`;
export const alertPath = (id: string): string => `/alerts/${encodeURIComponent(id)}`;

/** Where the form of the log-in leads to: what its `to` says where that is an address of Virtuoso's own pages. */
export function addressAfter(query: string): string {
  const wanted = new URLSearchParams(query).get("to") ?? "/";
  const path = wanted.split(/[?#]/)[0] ?? "";
  if (path === "/docs") return path;
  const { page } = routeOf(path);
  return path.startsWith("//") || page === "nowhere" || page === "login" ? "/" : wanted;
}

/** A part of an address as text; a stray percent sign is part of the name. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
