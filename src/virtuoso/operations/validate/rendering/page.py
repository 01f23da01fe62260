"""The report as a page that needs nothing else: no script, no address of another server."""

from collections.abc import Iterator
from html import escape

from virtuoso.operations.validate.rendering.content import TITLE, WORDS, head, sections
from virtuoso.operations.validate.report import Report, Table, Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; display: block; overflow-x: auto; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; }
th, td.pass, td.fail, td.observation { white-space: nowrap; }
th, td { border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.pass { color: #1a7f37; } .fail { color: #cf222e; font-weight: 700; } .observation { color: #9a6700; }
.unknown { opacity: .7; }
nav a { margin-right: 1em; } .note { opacity: .8; margin-top: -1rem; }
"""
_CLASSES = {WORDS[verdict]: verdict.value for verdict in Verdict}


def page(report: Report) -> str:
    """The whole report; texts of the deployment are inert in it."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    found = list(sections(report))
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(TITLE)}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(TITLE)}</h1>"
    yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in head(report))}</ul>"
    links = (f'<a href="#s{number}">{escape(section.title)}</a>' for number, section in enumerate(found))
    yield f"<nav>{' '.join(links)}</nav>"
    for number, section in enumerate(found):
        yield f'<h2 id="s{number}">{f"{number}. " if number else ""}{escape(section.title)}</h2>'
        for text in section.text:
            kind = f' class="{"pass" if report.passed else "fail"}"' if text == report.decision else ""
            yield f"<p{kind}>{escape(text)}</p>"
        for table in section.tables:
            yield from _table(table)
    yield "</body></html>"


def _table(table: Table) -> Iterator[str]:
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in table.columns)
    yield f"<table><caption>{escape(table.title)}</caption><thead><tr>{titles}</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    yield "</tbody></table>"
    if table.note:
        yield f'<p class="note">{escape(table.note)}</p>'


def _cell(text: str) -> str:
    kind = _CLASSES.get(text)
    return f"<td>{escape(text)}</td>" if kind is None else f'<td class="{kind}">{escape(text)}</td>'
