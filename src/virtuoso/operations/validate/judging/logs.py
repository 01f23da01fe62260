"""Errors of the log by class, and what its lines tell of fetches."""

import re
from collections import Counter
from typing import Any, Final

import msgspec

from virtuoso.model.text.numbers import counted, number_text
from virtuoso.operations.validate.judging.words import Judge, naming
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import Samples

CLASSES: Final = ("TypeError", "AttributeError", "KeyError", "ConnectionError", "TimeoutError")
_RAISED: Final = re.compile(r"\b([A-Z][A-Za-z]+(?:Error|Exception))\b")
_LEVEL: Final = re.compile(r"\[\s*(debug|info|warning|error|critical)\s*\]", re.IGNORECASE)
_FETCHED: Final = re.compile(r"fetch complete: (\d+)/(\d+) successful.*?total time: ([0-9.]+) ?s", re.IGNORECASE)
_SHOWN: Final = 160


def errors(lines: tuple[str, ...]) -> int:
    """Lines of level error or critical."""
    return sum(_level(line)[0] in {"error", "critical"} for line in lines)


def fetches(lines: tuple[str, ...]) -> tuple[tuple[int, float], ...]:
    """Rounds of requests that lines tell of, as (symbols, seconds)."""
    return tuple((int(found[2]), float(found[3])) for line in lines if (found := _FETCHED.search(line)))


def log(samples: Samples) -> Section:
    """Scan the window's log for errors."""
    judge, lost = Judge("Error scan"), _lost(samples)
    if not samples.log:
        read = any(file.name == "log.txt" for file in samples.files) and not lost
        said = "the log gained no line in the window" if read else lost or samples.run.log or "there is no log"
        judge.holds("no error is logged", True if read else None, said)
        return Section(title="Error scan of the log", checks=tuple(judge.checks))
    levels, raised, examples = Counter[str](), Counter[str](), dict[str, str]()
    for line in samples.log:
        level, said = _level(line)
        levels[level] += 1
        for name in dict.fromkeys(_RAISED.findall(said)):
            raised[name if name in CLASSES else "other exceptions"] += 1
            examples.setdefault(name if name in CLASSES else "other exceptions", said[:_SHOWN])
        if level in {"error", "critical"}:
            examples.setdefault(f"level {level}", said[:_SHOWN])
    bad = levels["error"] + levels["critical"]
    judge.holds(
        "no error is logged", False if bad else None if lost else True,
        naming(f"{level} × {levels[level]}: {examples.get(f'level {level}', '')}" for level in ("critical", "error")
               if levels[level]) or f"{counted(len(samples.log), 'line')}, none of level error"
        + (f"; nobody can tell of the others: {lost}" if lost else ""),
        "read them in the log",
    )  # fmt: skip
    if raised:
        judge.observed("no exception is named in the log", naming(f"{name} × {n}: {examples[name]}"
                                                                   for name, n in raised.items()))  # fmt: skip
    if lost:
        judge.observed("the whole log of the window was read", lost)
    names = (*CLASSES, "other exceptions")
    rows = tuple((name, str(raised[name]), examples.get(name, "")) for name in names)
    counts = tuple(
        (level, str(levels[level]), "") for level in ("critical", "error", "warning", "info", "debug", "none")
    )
    return Section(
        title="Error scan of the log",
        tables=(
            Table(title="By class", columns=("class", "lines", "first"), rows=rows),
            Table(title="By level", columns=("level", "lines", ""), rows=counts),
        ),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _lost(samples: Samples) -> str:
    """What of the log is not known; nothing where all of it was read."""
    known, written = len(samples.log), samples.run.log_lines
    beyond = [f"{number_text(known)} of {number_text(written)} lines were kept"] if written > known else []
    return "; ".join((*beyond, *samples.run.log_gaps))


def _level(line: str) -> tuple[str, str]:
    """The level of a line, `none` where it says none, and its text."""
    if line.startswith("{"):
        try:
            found: Any = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return "none", line
        if isinstance(found, dict):
            return str(found.get("level", "none")).lower(), line
    level = _LEVEL.search(line)
    return (level[1].lower() if level else "none"), line
