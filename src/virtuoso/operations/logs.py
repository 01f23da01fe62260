"""Logs: for people on a terminal, JSON lines otherwise; UTC with `Z`. No secret leaves the process through them."""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from virtuoso.model.clock import Clock, SystemClock
from virtuoso.operations import streams
from virtuoso.operations.log_file import LogFile
from virtuoso.operations.log_line import LogLine
from virtuoso.operations.repeats import Repeats

_SECRET = ("token", "secret", "password", "webhook", "api_key")
_HIDDEN = "***"


_SELDOM_S = 60.0


class _Seldom:
    """Lets what is marked as `seldom` pass once a minute at most, by what is said and of which symbol."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said_s: dict[tuple[Any, Any], float] = {}

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.pop("seldom", False):
            said, now_s = (event.get("event"), event.get("symbol")), self._clock.monotonic_ns() / 1e9
            if now_s - self._said_s.get(said, -_SELDOM_S) < _SELDOM_S:
                raise structlog.DropEvent
            self._said_s = {of: at_s for of, at_s in self._said_s.items() if now_s - at_s < _SELDOM_S} | {said: now_s}
        return event


class _FromLibraries(logging.Handler):
    """What libraries log, and what Python warns of, goes the way of our own logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it with the name of its logger."""
        try:
            log = structlog.get_logger(__name__)
            level = min(record.levelno // 10 * 10, logging.CRITICAL)  # a library may have levels between ours
            log.log(level, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
        except Exception:  # noqa: BLE001 - nobody reads any longer, or its arguments cannot be said: no fault of who logs
            self.handleError(record)


_PRINTING = threading.RLock()
"""May be taken again by who holds it: what the garbage collector finds while a line is printed may log too."""


class _Printer:
    """Prints to standard error, and knows by which name it was asked for."""

    def __init__(self, name: str = "virtuoso") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Print a line; lines of several threads do not mix."""
        with _PRINTING:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


def _named(logger: Any, _: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("logger", logger.name)
    return event


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if any(word in key.lower() for word in _SECRET):
            event[key] = _HIDDEN
    return event


class _Kept:
    """Writes each event into a file too, as a line for people or as JSON, and hands it on."""

    def __init__(self, file: LogFile, *, console: bool) -> None:
        self._file = file
        self._processors = _rendering(console=console, coloured=False)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line: Any = dict(event)
        for processor in self._processors:
            line = processor(logger, method, line)
        self._file.write(streams.masked(line))
        return event


def _rendering(*, console: bool, coloured: bool) -> tuple[Any, Any]:
    """What makes a text of an event, the traceback first. Never its local variables: they hold what secrets are of."""
    if console:
        return structlog.processors.format_exc_info, LogLine(coloured=coloured)
    told = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return told, structlog.processors.JSONRenderer()


def configure(level: str, form: str, secrets: Iterable[str] | None = None, file: LogFile | None = None) -> None:
    """Set up the process's logs, and `hide` the secrets where there is a configuration that may hold some.

    `form` is console, json (which holds for whatever else the process says too) or auto (console on a terminal). A
    `file` gets every line too: for people where the form is console, JSON otherwise.
    """
    if secrets is not None:
        streams.hide(secrets)
    if form == "json":
        streams.speak_json()
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    repeats = Repeats(SystemClock())
    atexit.register(repeats.flush)
    kept = () if file is None else (_Kept(file, console=form == "console"),)
    structlog.configure(
        processors=[
            _Seldom(SystemClock()),
            repeats,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _named,
            _masked,
            *kept,
            *_rendering(console=console, coloured=coloured),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        # Standard error as it is when something is said: a stream kept from now may be closed by then.
        logger_factory=_Printer,
        cache_logger_on_first_use=False,
    )
    _take_libraries(max(logging.WARNING, logging.getLevelName(level.upper())))


def _take_libraries(level: int) -> None:
    """Let nobody write beside our logs: libraries, warnings, and errors that nobody caught."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _FromLibraries)]:
        root.removeHandler(handler)
    root.addHandler(_FromLibraries(level))
    logging.captureWarnings(capture=True)
    log = structlog.get_logger(__name__)

    def failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("the program failed", exc_info=(kind, error, trace))

    sys.excepthook = failed
    threading.excepthook = lambda each: log.critical(
        "a thread failed", exc_info=(each.exc_type, each.exc_value, each.exc_traceback)
    )
    sys.unraisablehook = lambda each: log.error(
        each.err_msg or "an error could not be raised", exc_info=(each.exc_type, each.exc_value, each.exc_traceback)
    )
