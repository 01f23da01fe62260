// Numbers as a file: RFC 4180, with the API's own precision and a head.

export type Cell = string | number | null;

/** Rows with their head as CSV; what is unknown is empty. */
export function csvText(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

/** A name for the file of what is shown: letters, digits and dashes alone. */
export function fileName(...parts: readonly string[]): string {
  const plain = parts.map((part) => part.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "")).filter(Boolean);
  return `${plain.join("-") || "numbers"}.csv`;
}

function field(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  // A sheet would take text that begins so for a formula; names come from outside.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
