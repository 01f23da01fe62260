"""Writes the record as a page of Markdown."""

from collections.abc import Iterator, Sequence
from typing import Final

from virtuoso.analysis.quality.figures import Figure
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table

LONG: Final = 24
"""Rows from which a table is folded."""
TITLE: Final = "Track record"
PREFACE: Final = """\
Made by `make track-record SETS=DIR`; nothing here was written by hand. All of it was backtested: what a running monitor
said, and what came of it, stands apart in [what was lived](track-record-lived.md).

Every fit is walked forward: at each moment it had seen only what was known then. *Skill* is against each symbol's own
past rate, known at the time; the *dummy* is a table of constants, one a symbol, that nobody knew at the time. Intervals
are of 95 %, from resampling blocks of max(a day, twice the horizon) with all symbols together. Beside each row stand n
readings, n_eff (as many independent ones would be as certain) and the days that they come from."""


def page(title: str, preface: str, sections: Sequence[Section], images: str) -> str:
    """Write all sections as Markdown; `images` is the folder of the plots, as the page sees it."""
    return "\n".join(_lines(title, preface, sections, images)).rstrip() + "\n"


def _lines(title: str, preface: str, sections: Sequence[Section], images: str) -> Iterator[str]:
    yield from (f"# {title}", "")
    yield from (preface, "")
    for section in sections:
        yield from (f"## {section.title}", "")
        for text in section.text:
            if text:
                yield from (text, "")
        for plot in section.plots:
            yield from (f"![{plot.title}]({images}/{plot.name}.svg)", "")
        for table in section.tables:
            if len(table.rows) > LONG:
                summary = f"{table.title}: {len(table.rows):,} rows"
                yield from (f"<details><summary>{summary}</summary>", "", *table_lines(table), "", "</details>", "")
            else:
                yield from (f"### {table.title}", "", *table_lines(table), "")


def table_lines(table: Table) -> Iterator[str]:
    """Write a table; n, n_eff and days of each row's first figure are in columns of their own."""
    titles = titles_of(table)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows_of(table):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def titles_of(table: Table) -> list[str]:
    """List the titles of a table's columns, with those of what stands behind its figures."""
    return [column.title for column in table.columns] + (["n", "n_eff", "days"] if _is_backed(table) else [])


def rows_of(table: Table) -> Iterator[list[str]]:
    """Yield the cells of each row as they are shown, with n, n_eff and days of its first figure."""
    backed = _is_backed(table)
    for row in table.rows:
        cells = [written(cell, column) for cell, column in zip(row, table.columns, strict=True)]
        if backed:
            cells += _behind(next((cell for cell in row if isinstance(cell, Figure) and cell.value is not None), None))
        yield cells


def _is_backed(table: Table) -> bool:
    return any(isinstance(cell, Figure) for row in table.rows for cell in row)


def gate_tables(gates: Sequence[Gate]) -> tuple[Table, ...]:
    """Make tables of the gates that failed or could not be judged, in that order, and of those that hold."""
    open_ = sorted((gate for gate in gates if not gate.passed), key=lambda gate: gate.passed is None)
    held = [gate for gate in gates if gate.passed]
    tables = (("Failed, or not judged", open_), ("Held", held))
    return tuple(Table(title, _GATE_COLUMNS, tuple(map(_gate_row, rows))) for title, rows in tables if rows)


def counted(gates: Sequence[Gate]) -> str:
    """Say how many gates hold, failed, or could not be judged."""
    held, failed = (sum(gate.passed is verdict for gate in gates) for verdict in (True, False))
    return (
        f"Of {len(gates):,} gates {held:,} hold, {failed:,} failed, {len(gates) - held - failed:,} could not be judged."
    )


def _gate_row(gate: Gate) -> tuple[Cell, ...]:
    verdict = {False: "**failed**", None: "not judged", True: "holds"}[gate.passed]
    return gate.set, gate.name, gate.wanted, gate.measured, verdict, gate.why


_GATE_COLUMNS = tuple(Column(title, 4) for title in ("set", "what", "wanted", "measured", "verdict", "why"))


def written(cell: Cell, column: Column) -> str:
    """A cell as it is shown; significant figures are those whose interval leaves 0 out, and are not marked."""
    if cell is None:
        return "unknown"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return _number(cell, column)
    if cell.value is None:
        return "unknown"
    if cell.lower is None or cell.upper is None:
        return _number(cell.value, column)
    return f"{_number(cell.value, column)} [{_number(cell.lower, column)}, {_number(cell.upper, column)}]"


def _behind(figure: Figure | None) -> list[str]:
    if figure is None:
        return ["", "", ""]
    return [f"{figure.n:,}", "" if figure.n_eff is None else f"{figure.n_eff:,.0f}", str(figure.days)]


def _number(value: float, column: Column) -> str:
    text = f"{column.unit * value:.{column.digits}f}"
    return text.replace("-", "−")
