// How times and ages are written: in the zone of whoever looks; UTC stands in the title of `<Time>`.

import { UNKNOWN } from "./numbers";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export type Style = "clock" | "minute" | "moment";

/** A time of the API (ISO 8601 in UTC) in the local zone: `14:05:09`, `14:05`, or with its day `3 Jun 14:05`. */
export function timeText(iso: string | null | undefined, style: Style = "clock"): string {
  const ms = milliseconds(iso);
  if (ms === null) return UNKNOWN;
  if (style === "clock") return clock.format(ms);
  return style === "minute" ? minute.format(ms) : `${day.format(ms)} ${minute.format(ms)}`;
}

/** The same in UTC, whole: `2026-06-03 12:05:09 UTC`. */
export function utcText(iso: string | null | undefined): string {
  return milliseconds(iso) === null ? UNKNOWN : `${iso?.slice(0, 10)} ${iso?.slice(11, 19)} UTC`;
}

/** Milliseconds of the epoch; `null` where it is unknown or was never (1970 stands for that in the API). */
export function milliseconds(iso: string | null | undefined): number | null {
  if (!iso) return null;
  const ms = Date.parse(iso);
  return Number.isNaN(ms) || ms <= 0 ? null : ms;
}

/** How long something lasted, or is ago: `0.4 s`, `12 s`, `5 min`, `3 h 20 min`, `4 d`. */
export function durationText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const days = Math.floor(minutes / 1440);
  return days >= 10 || minutes % 1440 < 60 ? `${days} d` : `${days} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** A horizon or timeframe of so many minutes: `15m`, `1h`, `1d`. */
export function horizonText(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
