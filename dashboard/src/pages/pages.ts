// The pages, each loaded when it is first opened. `title` stands in the navigation where there is one.

import type { Component } from "svelte";
import type { Route } from "../state/routes";

/** A page; that of one thing is told its name. */
export type View = Component<{ name: string }> | Component;

export interface Page {
  readonly address: string;
  readonly title: string | null;
  /** The key that leads there after `g`. */
  readonly key: string | null;
  readonly load: () => Promise<{ default: View }>;
}

export const PAGES: Partial<Record<Route["page"], Page>> = {
  market: { address: "/", title: "Market", key: "m", load: () => import("./market/Market.svelte") },
  signals: { address: "/signals", title: "Signals", key: "s", load: () => import("./signals/Signals.svelte") },
  signal: { address: "/signals/", title: null, key: null, load: () => import("./signal/Signal.svelte") },
  alerts: { address: "/alerts", title: "Alerts", key: "a", load: () => import("./alerts/Alerts.svelte") },
  alert: { address: "/alerts/", title: null, key: null, load: () => import("./alert/Incident.svelte") },
  "track-record": {
    address: "/track-record",
    title: "Record",
    key: "r",
    load: () => import("./track-record/TrackRecord.svelte"),
  },
  system: { address: "/system", title: "System", key: "y", load: () => import("./system/System.svelte") },
  methodology: {
    address: "/methodology",
    title: "Method",
    key: "h",
    load: () => import("./methodology/Methodology.svelte"),
  },
  login: { address: "/login", title: null, key: null, load: () => import("./login/Login.svelte") },
  symbol: { address: "/symbol/", title: null, key: null, load: () => import("./symbol/Symbol.svelte") },
};
