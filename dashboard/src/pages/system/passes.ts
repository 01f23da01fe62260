// How long passes took, as a chart takes it: columns, with what is missing left as a gap.

import type { MonitoringHistory } from "../../api/types";
import { milliseconds } from "../../format/times";

export const STAGES = ["refresh", "analyse", "decide", "publish"] as const;
export type Stage = (typeof STAGES)[number];
export const LINES = ["slowest", "total", ...STAGES] as const;

export type Column = (number | null)[];
/** Seconds of the epoch, and of each line ms. */
export type Columns = [number[], ...Column[]];

/** The columns of a history; a stretch in which no pass ended is a gap in every line. */
export function columnsOf(history: MonitoringHistory): Columns {
  const times: number[] = [];
  const lines: Column[] = LINES.map(() => []);
  const step = history.step_s;
  // A stretch without a pass is a gap only where passes are not rarer than stretches.
  const usual = Math.max(2, ...history.groups.slice(0, 3).map(({ count }) => Math.ceil(2 / count)));
  for (const group of history.groups) {
    const at = (milliseconds(group.since) ?? 0) / 1_000;
    const before = times.at(-1);
    if (before !== undefined && at - before > usual * step) {
      times.push(before + step);
      lines.forEach((line) => line.push(null));
    }
    times.push(at);
    // A logarithmic axis has no zero.
    const shown = (value: number | null): number | null => (value === null ? null : Math.max(0.01, value));
    const { median } = group;
    const values = [group.slowest, median.total, ...STAGES.map((stage) => median[stage])];
    lines.forEach((line, i) => line.push(shown(values[i] ?? null)));
  }
  return [times, ...lines];
}

/** Milliseconds as people read them. */
export function msText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "—";
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return ms >= 100 ? `${ms.toFixed(0)} ms` : ms >= 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(2)} ms`;
}
