"""Why a PostgreSQL server took no connection, and what to do, in words for people."""

import re
from typing import Final

_LIBRARY: Final = re.compile(
    r"connection (?:failed|is bad): (?:connection to server .*? failed: )?(?:FATAL: +)?", re.DOTALL
)
"""What libpq and psycopg put before the server's words."""
_CAUSES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        ("Connection refused", "connection refused; start the server, or correct host and port"),
        ("timeout expired", "no answer in time; see whether the server runs, or correct host and port"),
        ("failed to resolve host", "there is no host of this name, or no name service; correct the host"),
        ("No such file or directory", "it has no socket there; start the server, or correct the folder of its socket"),
        ("no password supplied", "it wants a password, and none is given; add it"),
        ("authentication failed for user", "it refuses the user or the password; correct them"),
        (r'database "(?P<name>.*)" does not exist', "it has no database {name}; make it, or correct the name"),
        (r'role "(?P<name>.*)" does not exist', "it has no user {name}; make it, or correct the name"),
        ("no pg_hba.conf entry", "its pg_hba.conf does not let this user in from here; let it, or correct the user"),
        ("does not support SSL", "it speaks no TLS; let it, or correct sslmode"),
        ("invalid response", "no PostgreSQL listens there; correct host and port"),
    )
)
"""A part of what libpq or the server says in English, and what that is to people."""
_CLASSES: Final = {"OperationalError", "ConnectionTimeout"}
"""Of psycopg, by their names: whoever has no server need not import it."""
_KEY: Final = "database.url"


def why_no_connection(error: BaseException) -> str | None:
    """Say why, and what to change in which key; `None` for errors of a connection that stood, and of other drivers.

    A cause that is not known here is said in the server's own words.
    """
    if type(error).__name__ not in _CLASSES or getattr(error, "sqlstate", None) is not None:
        return None
    said = str(error)
    for pattern, text in _CAUSES:
        if (match := pattern.search(said)) is not None:
            return f"{text.format(**match.groupdict())} in {_KEY}"
    prefix = _LIBRARY.match(said)
    return None if prefix is None else f"{said[prefix.end() :].strip().partition(chr(10))[0]}; correct {_KEY}"
