"""Where what is kept is kept, as configured, and whether it could be written there."""

import os
from pathlib import Path
from tempfile import mkdtemp

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError


def make_data_dir(settings: Settings) -> None:
    """Make the folder of everything that is kept.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"data_dir = {settings.data_dir}: cannot be made: {error.strerror}") from error


def check_folders(settings: Settings) -> None:
    """See whether everything that is kept could be written where it is to be; nothing is made.

    Raises:
        UsageError: it could not; a line for each folder, or for the file of the logs.
    """
    store, wanted = settings.timeseries.store, {"data_dir": settings.data_dir}
    if store != "none":
        wanted["data_dir"] = series_folder(settings) if store == "embedded" else spool_folder(settings)
    if (file := sqlite_file(settings)) is not None and settings.database.url is not None:
        wanted["database.url"] = file.parent
    if settings.logging.file is not None:
        wanted["logging.file"] = settings.logging.file.parent
    mistakes = [f"{key} = {folder}: {why}" for key, folder in wanted.items() if (why := _not_writable(folder))]
    if not mistakes and (log := settings.logging.file) is not None and (why := _not_added_to(log)):
        mistakes = [f"logging.file = {log}: {why}"]
    if mistakes:
        raise UsageError("\n".join(mistakes))


def _not_writable(folder: Path) -> str | None:
    """Why nothing could be written into a folder, or into where it would be made; `None` where it could."""
    try:
        there = nearest(folder)
        if not there.is_dir():
            return f"{there} is a file; a folder is needed"
        Path(mkdtemp(prefix=".virtuoso-", dir=there)).rmdir()
    except OSError as error:
        return f"cannot be written: {(error.strerror or str(error)).lower()}"
    return None


def _not_added_to(file: Path) -> str | None:
    """Why nothing could be added to a file that is there; `None` where it could, or where there is none."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be written: {(error.strerror or str(error)).lower()}"
    return None


def nearest(folder: Path) -> Path:
    """Return the folder itself, or the first above it that is there.

    Raises:
        OSError: a folder on the way may not be entered.
    """
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return there


def sqlite_file(settings: Settings) -> Path | None:
    """The file of the database; `None` where it is a server."""
    url = settings.database.url
    if url is None:
        return settings.data_dir.absolute() / "virtuoso.sqlite"
    _, is_file, path = url.get_secret_value().partition("sqlite:///")
    return Path(path) if is_file else None


def series_folder(settings: Settings) -> Path:
    """Of the embedded time series: one a market, so that none is taken for another's."""
    return settings.data_dir / "timeseries" / settings.exchange.market


def spool_folder(settings: Settings) -> Path:
    """Of what waits for InfluxDB: one a market."""
    return settings.data_dir / "spool" / settings.exchange.market
