"""What this process says on standard output and standard error: no secret in it, and where wanted, JSON alone."""

import atexit
import json
import sys
import threading
from collections.abc import Iterable
from typing import Any, TextIO

from virtuoso.model.clock import SystemClock, iso

_HIDDEN = "***"


class Mask:
    """Puts `***` in place of secrets in a text, as they are written and as JSON and Python quote them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on, in addition to those known already."""
        # Long ones first, for one may be a part of another.
        forms = {form for secret in secrets for form in (secret, *_quoted(secret))}
        self._forms = sorted(forms.union(self._forms), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text with `***` in place of every known secret, in whichever form it stands there."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, _HIDDEN)
        return text


class MaskedStream:
    """A stream of text in which each secret is `***`, whoever writes: a log, a traceback, a library.

    A secret is found when it is written in one piece. Once `as_json` is set, each line that is no JSON object becomes
    one, with the text as its `event` and `level` as that; a line is written when its end is known.
    """

    def __init__(self, stream: TextIO, secrets: Iterable[str], level: str = "info") -> None:
        self._stream = stream
        self._level = level
        self._mask = Mask(secrets)
        self._unfinished = ""
        self._lock = threading.RLock()
        self.as_json = False

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on, in addition to those known already, also in JSON or Python quotes."""
        self._mask.hide(secrets)

    def masked(self, text: str) -> str:
        """The text without the secrets that are known by now."""
        return self._mask(text)

    def write(self, text: str) -> int:
        """Write it masked; the length that was asked for."""
        length = len(text)
        text = self._mask(text)
        if not self.as_json:
            self._stream.write(text)
            return length
        with self._lock:
            *lines, self._unfinished = (self._unfinished + text).split("\n")
            for line in lines:
                self._write_object(line)
        return length

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines with their secrets masked."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Write a line that was begun, where the process ends before it does."""
        with self._lock:
            line, self._unfinished = self._unfinished, ""
            self._write_object(line)

    def _write_object(self, line: str) -> None:
        if line and not line.isspace():
            self._stream.write((line if _is_object(line) else _object(line, self._level)) + "\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _quoted(secret: str) -> tuple[str, ...]:
    return json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _object(line: str, level: str) -> str:
    now = iso(SystemClock().now_ns() // 1_000_000)
    return json.dumps({"event": line, "level": level, "timestamp": now})


def hide(secrets: Iterable[str]) -> None:
    """Mask `secrets` in all that this process says on standard output and standard error from now on."""
    known = list(secrets)
    for stream in _masked():
        stream.hide(known)


def masked(text: str) -> str:
    """The text as this process would say it: with each secret that is known by now as `***`."""
    *_, stream = _masked()
    return stream.masked(text)


def speak_json() -> None:
    """Say nothing but JSON objects, a line each, on standard output and standard error from now on."""
    for stream in _masked():
        if not stream.as_json:
            stream.as_json = True
            atexit.register(stream.finish)


def _masked() -> Iterable[MaskedStream]:
    for name, level in (("stdout", "info"), ("stderr", "warning")):
        stream = getattr(sys, name)
        if not isinstance(stream, MaskedStream):
            stream = MaskedStream(stream, (), level)
            setattr(sys, name, stream)
        yield stream
