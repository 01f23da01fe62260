"""The scoreboard of docs/reliability.md, made from the cases: `python -m tests.faults.hostile.scoreboard` writes it."""

from pathlib import Path

from tests.faults.hostile.cases import CASES

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- hostile cases: begin -->\n", "<!-- hostile cases: end -->\n"


def table() -> str:
    """Every case as a row of Markdown."""
    rows = ["| case | what is sent | quality | incident | over |", "|---|---|---|---|---|"]
    for case in CASES:
        name, sent = case.name.replace("_", " "), case.sent.replace("|", "\\|")
        rows.append(f"| {name} | {sent} | {case.quality} | {case.incident} | ≤ {case.recover:g} s |")
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """The page with the table as it is now."""
    before, rest = page.split(_BEGIN)
    return before + _BEGIN + table() + _END + rest.split(_END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
