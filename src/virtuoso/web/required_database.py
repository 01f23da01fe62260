"""The database where an answer cannot do without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.damage import DamagedRow
from virtuoso.storage.database.store import Database


@contextmanager
def needed(database: Database | None) -> Iterator[Database]:
    """Use it within the block; where it is missing or does not answer, the problem 503 says so."""
    if database is None:
        raise HTTPException(503, "no database is kept")
    try:
        yield database
    except DamagedRow as error:
        raise HTTPException(500, f"a row of a database table is damaged: {error}") from error
    except StoreUnavailable as error:
        raise HTTPException(503, f"{error}; try again") from error
