"""Notices as lines on standard error."""

import sys
from collections.abc import Callable

from virtuoso.delivery.channels.plain import body_of, moment, one_line, title_of
from virtuoso.delivery.channels.protocol import Sent, Unreachable
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Notice, Role

_COLOURS = {Severity.INFO: "36", Severity.WARNING: "33", Severity.CRITICAL: "31"}
_GREEN = "32"
_TITLE, _TEXT = 200, 600


class Console:
    """One line a notice: time, severity, title, text; nothing in it can control the terminal."""

    def __init__(self, name: str, write: Callable[[str], object], *, colour: bool) -> None:
        self.name = name
        self.fingerprint = "console"
        self._write = write
        self._colour = colour

    def validate(self) -> None:
        """Accept every configuration: there is none to get wrong."""

    def render(self, notice: Notice, *, repeat: bool) -> str:
        """Make the notice's line, coloured if wanted, with its newline."""
        resolved = notice.role is Role.RESOLVED
        word = "RESOLVED" if resolved else notice.severity.upper()
        if self._colour:
            word = f"\x1b[{_GREEN if resolved else _COLOURS[notice.severity]}m{word}\x1b[0m"
        title, text = one_line(title_of(notice, repeat=repeat), _TITLE), one_line(body_of(notice), _TEXT)
        return f"{moment(notice.at_ms)} {word} {title}{': ' if text else ''}{text}\n"

    async def send(self, message: str) -> Sent:
        """Write the line. Raises `Unreachable` when nobody reads any longer."""
        try:
            self._write(message)
        except (OSError, ValueError) as error:  # ValueError: it is closed
            raise Unreachable(f"the console takes no more: {type(error).__name__}") from None
        return Sent()

    async def close(self) -> None:
        """Do nothing: standard error stays open."""


def make(spec: ChannelSpec) -> Console:
    """For the entry point: to standard error, coloured where that is a terminal."""
    spec.check_options()
    return Console(spec.name, _to_standard_error, colour=sys.stderr.isatty())


def _to_standard_error(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()
