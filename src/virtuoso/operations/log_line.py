"""Writes an event as a line for people: `2026-11-28 18:15:01.503 [INFO] virtuoso.monitor.cycle - refreshed symbols=15`.

Times are UTC. An event is one line, whatever a text in it holds; only a traceback follows it.
"""

import json
import re
from collections.abc import MutableMapping
from typing import Any, Final

_COLOURS: Final = {"warning": "33", "error": "31", "critical": "1;31", "debug": "2"}
_PLAIN: Final = re.compile(r"[^\s\"'\\=\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LogLine:
    """A renderer of structlog; `coloured` marks warnings and errors, for a terminal."""

    def __init__(self, *, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> str:
        """The line, and what follows it."""
        at, level = str(event.pop("timestamp", "")), str(event.pop("level", "info"))
        logger, said = event.pop("logger", "virtuoso"), _one_line(str(event.pop("event", "")))
        trace = event.pop("exception", None)
        stamp = at.replace("T", " ").removesuffix("Z")[:23]
        facts = "".join(f" {key}={_value(value)}" for key, value in event.items())
        head = f"{stamp} [{level.upper()}]"
        if self._coloured and level in _COLOURS:
            head = f"\x1b[{_COLOURS[level]}m{head}\x1b[0m"
        line = f"{head} {logger} - {said}{facts}"
        return line if trace is None else f"{line}\n{trace}"


def _value(value: Any) -> str:
    """As it is where it is one word, quoted as JSON quotes it otherwise."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if not isinstance(value, str) or _PLAIN.fullmatch(text):
        return _one_line(text)
    return _one_line(json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
