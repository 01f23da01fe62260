// The columns of the table of signals, and what is read from a row for each.

import type { SignalItem } from "../../api/types";
import type { Column } from "../../components/columns";
import { TERMS } from "../../terms/glossary";

type SignalColumn = Column<SignalItem>;

/** All columns. The table of the Market page leaves out the factors. */
export const COLUMNS: readonly SignalColumn[] = [
  { name: "symbol", title: "symbol", by: (row) => row.symbol, ascending: true },
  { name: "signal", title: "signal", meaning: TERMS.signal, by: (row) => row.signal, ascending: true },
  {
    name: "confidence",
    title: "confidence",
    meaning: TERMS.confidence,
    by: (row) => row.confidence,
    number: true,
    wide: true,
  },
  {
    name: "lean",
    title: "lean",
    meaning: TERMS.lean,
    by: (row) => row.lean?.side ?? null,
    ascending: true,
    wide: true,
  },
  { name: "pressure", title: "pressure", meaning: TERMS.pressure, by: (row) => row.score, number: true },
  {
    name: "percentile",
    title: "percentile",
    meaning: TERMS.percentile,
    by: (row) => row.score_percentile,
    number: true,
    wide: true,
  },
  { name: "factors", title: "factors", meaning: TERMS.factors, wide: true },
  {
    name: "large_move",
    title: "P(large)",
    meaning: TERMS.large_move,
    by: (row) => row.large_move,
    number: true,
  },

  {
    name: "cone",
    title: "1 h range, 80 %",
    meaning: TERMS.range,
    by: (row) => (row.cone_1h === null ? null : row.cone_1h[1] - row.cone_1h[0]),
    number: true,
    wide: true,
  },
  { name: "price", title: "price", by: (row) => row.price, number: true, wide: true },
  { name: "change", title: "24 h", meaning: TERMS.change, by: (row) => row.change, number: true },
  { name: "history", title: "last 24 h", number: true, wide: true },
  { name: "age", title: "age", meaning: TERMS.quality, number: true, wide: true },
];
