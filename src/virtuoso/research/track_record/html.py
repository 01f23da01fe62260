"""Writes the record as one file for a browser: tables and pictures within, nothing from elsewhere."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from virtuoso.research.track_record.markdown import LONG, rows_of, titles_of
from virtuoso.research.track_record.sections import Section, Table

_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid #ccc}h3{font-size:1rem}
nav a{margin-right:1rem}table{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto}
th,td{padding:.2rem .6rem;border-bottom:1px solid #e4e4e4;text-align:left;white-space:nowrap}
td{font-variant-numeric:tabular-nums}
td:last-child{white-space:normal}svg{max-width:100%;height:auto}code{background:#f2f2f2;padding:0 .2rem}
details summary{cursor:pointer}"""
_MARKS = (
    (r"`([^`]+)`", r"<code>\1</code>"),
    (r"\*\*([^*]+)\*\*", r"<b>\1</b>"),
    (r"\*([^*\s][^*]*)\*", r"<em>\1</em>"),
)


def html_page(title: str, preface: str, sections: Sequence[Section]) -> str:
    """Write all sections as HTML: style and pictures are in the file, no script and no other host."""
    return "\n".join(_lines(title, preface, sections)) + "\n"


def _lines(title: str, preface: str, sections: Sequence[Section]) -> Iterator[str]:
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
    yield f"<h1>{escape(title)}</h1>"
    yield from (f"<p>{_marked(part)}</p>" for part in preface.split("\n\n"))
    links = (f'<a href="#s{number}">{escape(section.title)}</a>' for number, section in enumerate(sections))
    yield f"<nav>{' '.join(links)}</nav>"
    for number, section in enumerate(sections):
        yield f'<h2 id="s{number}">{escape(section.title)}</h2>'
        yield from (f"<p>{_marked(text)}</p>" for text in section.text if text)
        for plot in section.plots:
            yield f'<figure aria-label="{escape(plot.title)}">{plot.svg.strip()}</figure>'
        for table in section.tables:
            yield from _table(table)
    yield "</body></html>"


def _table(table: Table) -> Iterator[str]:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles_of(table))
    rows = ("".join(f"<td>{_marked(cell)}</td>" for cell in row) for row in rows_of(table))
    body = f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    if len(table.rows) > LONG:
        yield f"<details><summary>{escape(table.title)}: {len(table.rows):,} rows</summary>{body}</details>"
    else:
        yield f"<h3>{escape(table.title)}</h3>{body}"


def _marked(text: str) -> str:
    """Write text with the marks of Markdown that the record uses as HTML."""
    text = escape(text)
    for pattern, written in _MARKS:
        text = re.sub(pattern, written, text)
    return text
