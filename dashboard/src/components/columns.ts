// What a table is told of its columns, and by what it is sorted.

export interface Column<Row> {
  /** Names it in links and for its cells. */
  readonly name: string;
  readonly title: string;
  /** What it is, on hover. */
  readonly meaning?: string;
  /** By what rows are sorted; `null` is unknown and comes last. Without it the column does not sort. */
  readonly by?: (row: Row) => number | string | null;
  /** Whether the first click sorts from the least; numbers begin with the most. */
  readonly ascending?: boolean;
  /** Set to the right, as numbers are. */
  readonly number?: boolean;
  /** Left out where there is little room. */
  readonly wide?: boolean;
}

export interface Sorting {
  readonly column: string;
  readonly descending: boolean;
}
