"""What YAML makes of what people write without meaning it, and what to write instead."""

import re
from datetime import date, datetime
from types import NoneType
from typing import Any, Final

import yaml

from virtuoso.config.keys import HIDDEN, shown
from virtuoso.config.section import KeyPath

_TAKEN_FOR: Final = {
    bool: "true or false", int: "a number", float: "a number", NoneType: "nothing", date: "a date", datetime: "a time",
}  # fmt: skip
_OCTAL, _SEXAGESIMAL = re.compile(r"[-+]?0\d[\d_]*"), re.compile(r"[-+]?\d+(:[0-5]?\d)+(\.\d*)?")
_PLAIN = re.compile(r"[A-Za-z][\w./-]*|[1-9]\d*[A-Z]{2}\w*")
_SPECIAL = {"*": "a reference to an anchor", "&": "an anchor", "!": "a tag"}
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def quoted(text: str) -> str:
    """Write a text so that YAML takes it for one, and for nothing else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_text(value: Any, text: str | None) -> str:
    """Say what YAML made of what should be a text; `text` is how it was written, if that may be told."""
    kind = type(value)
    if kind not in _TAKEN_FOR:
        return "must be text"
    taken = str(value).lower() if kind is bool else _TAKEN_FOR[kind]
    if not text:
        return f"must be text, and YAML takes it for {taken}; write it in quotes"
    return f'must be text, and YAML takes {text} for {taken}; write it in quotes: "{text}"'


def as_number(text: str) -> str | None:
    """Say what a text is to other readers of YAML where a number is wanted; `None` where there is no trap."""
    digits = text.lstrip("-+").replace("_", "")
    if _OCTAL.fullmatch(text):
        octal = f" ({int(digits, 8)})" if len(digits) < 20 and not set(digits) & set("89") else ""
        return f"must be a number, and a leading 0 makes it octal{octal} in YAML; write {digits.lstrip('0') or '0'}"
    if _SEXAGESIMAL.fullmatch(text):
        return "must be a number, and colons make it sexagesimal in YAML; write it without them"
    return None


def as_list(text: str | None) -> str:
    """Say how a text becomes the list that is wanted."""
    if text is None:
        return "must be a list, such as [first, second]"
    items = [part for part in re.split(r"[,\s]+", text) if part]
    return f"must be a list; write [{', '.join(map(quoted, items))}]"


def not_yaml(error: yaml.MarkedYAMLError, place: KeyPath) -> str:
    """Say why the text at `place` is no YAML, and the cure where the cause is known; no secret is repeated."""
    problem, context = error.problem or "", error.context or ""
    key = f"{'.'.join(place)}: " if place else ""
    if (sign := _special(problem, context)) is not None:
        name = re.search(r"'([^']*)'", problem)
        text = f"*{name[1]}" if sign == "*" and name is not None else None
        told = text is not None and text.isprintable() and shown(place, text) != HIDDEN
        what, cure = (text, f': "{text}"') if told else (f"a {sign}", "")
        known = ", and there is none of this name" if sign == "*" else ""
        return f"{key}YAML takes {what} for {_SPECIAL[sign]}{known}; write the value in quotes{cure}"
    if "'\\t'" in problem:
        return f"{key}is not valid YAML: it is indented with a tab; write spaces"
    if (match := re.search(r"found character '([@`%])'", problem)) is not None:
        return f"{key}is not valid YAML: a value must not begin with {match[1]}; write it in quotes"
    if "mapping values are not allowed" in problem:
        return (
            f"{key}is not valid YAML: a colon where no key can be;"
            " indent the keys of a section alike, and write a value that has ': ' in it in quotes"
        )
    if context.startswith("while scanning a quoted scalar") and error.context_mark is not None:
        return f"{key}is not valid YAML: the quotation mark of line {error.context_mark.line + 1} is not closed"
    return f"{key}is not valid YAML: {without_quotes(problem or context)}"


def _special(problem: str, context: str) -> str | None:
    """The sign that made something else of a value than a text."""
    if problem.startswith("found undefined alias") or context.startswith("while scanning an alias"):
        return "*"
    if context.startswith("while scanning an anchor"):
        return "&"
    return "!" if problem.startswith("could not determine a constructor") else None


def without_quotes(text: str) -> str:
    """Without what it quotes, which may be a secret: `password: !abc` is a tag to YAML."""
    return re.sub(r"(['\"])[^'\"]{2,}.*\1", "…", (text or "unknown error").splitlines()[0])
