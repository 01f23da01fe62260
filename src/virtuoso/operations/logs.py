"""Logs: for people on a terminal, JSON lines otherwise; UTC with `Z`. No secret leaves the process through them."""

import json
import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_SECRET = ("token", "secret", "password", "webhook", "api_key")
_HIDDEN = "***"


class MaskedStream:
    """A stream of text in which each secret is `***`, whoever writes: a log, a traceback, a library.

    A secret is found when it is written in one piece.
    """

    def __init__(self, stream: TextIO, secrets: Iterable[str]) -> None:
        self._stream = stream
        self._forms: list[str] = []
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on, in addition to those known already, also in JSON or Python quotes."""
        # As it is, and as JSON and Python quote it; long ones first, for one may be a part of another.
        forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
        self._forms = sorted(forms.union(self._forms), key=len, reverse=True)

    def write(self, text: str) -> int:
        """Write it masked; the length that was asked for."""
        length = len(text)
        for form in self._forms:
            if form in text:
                text = text.replace(form, _HIDDEN)
        self._stream.write(text)
        return length

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines with their secrets masked."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if any(word in key.lower() for word in _SECRET):
            event[key] = _HIDDEN
    return event


def hide(secrets: Iterable[str]) -> None:
    """Mask `secrets` in all that this process says on standard output and standard error from now on."""
    known = list(secrets)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, MaskedStream):
            stream.hide(known)
        else:
            setattr(sys, name, MaskedStream(stream, known))


def configure(level: str, form: str, secrets: Iterable[str] | None = None) -> None:
    """Set up the process's logs, and `hide` the secrets where there is a configuration that may hold some.

    `form` is console, json or auto (console on a terminal).
    """
    if secrets is not None:
        hide(secrets)
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    # Never the local variables of a traceback: they hold what secrets are made of.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = plain if console else structlog.processors.JSONRenderer()
    tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            *([] if console else [tracebacks]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
