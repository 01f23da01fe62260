"""Whether what is committed is on the disk: the settings in effect, as the database itself tells them."""

from sqlalchemy import Connection

_FULL, _EXTRA = 2, 3
_NEEDED = ("fsync", "synchronous_commit", "full_page_writes")


def durability_warning(connection: Connection) -> str | None:
    """What would be lost when the machine fails, and what to change; `None` = nothing."""
    if connection.dialect.name == "sqlite":
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        if level in {_FULL, _EXTRA}:
            return None
        return (
            f"SQLite runs with synchronous = {level}: what is committed may be lost when the machine fails; it must be"
            " 2 (FULL)"
        )
    off = [name for name in _NEEDED if connection.exec_driver_sql(f"SHOW {name}").scalar_one() == "off"]
    if not off:
        return None
    return (
        f"PostgreSQL runs with {', '.join(f'{name} = off' for name in off)}: alerts that are committed may be lost or"
        " sent twice when its machine fails; set to on in postgresql.conf"
    )
