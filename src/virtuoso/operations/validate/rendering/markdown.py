"""Writes the report as Markdown."""

from collections.abc import Iterator

from virtuoso.operations.validate.rendering.content import TITLE, head, sections
from virtuoso.operations.validate.report import Report, Table


def markdown(report: Report) -> str:
    """The whole report; texts of the deployment are inert in it."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {TITLE}"
    yield ""
    for line in head(report):
        yield f"- {_inert(line)}"
    for number, section in enumerate(sections(report)):
        yield ""
        yield f"## {number}. {section.title}" if number else f"## {section.title}"
        for text in section.text:
            yield ""
            yield _inert(text)
        for table in section.tables:
            yield ""
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"**{table.title}**"
    yield ""
    yield f"| {' | '.join(table.columns)} |"
    yield f"|{'---|' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(map(_inert, row))} |"
    if table.note:
        yield ""
        yield _inert(table.note)


def _inert(text: str) -> str:
    """A text in one line that begins no cell, no tag and no link."""
    one = " ".join(text.split())
    for sign in ("\\", "|", "<", "[", "*"):
        one = one.replace(sign, f"\\{sign}")
    return one
