"""Backups: a copy of what a running Virtuoso keeps, and its way back; each file is checked by its hash.

SQLite's own back-up copies each file as of one moment, with what is still in its log, and disturbs nobody. A backup is
a folder laid out as `data_dir` is, with `backup.json` beside the files; it has its name only once it is whole. What
servers keep (PostgreSQL, InfluxDB, and the spool of points that wait for it) is not part of it.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError
from virtuoso.storage.timeseries.embedded.partitions import COMPANIONS
from virtuoso.wiring.folders import sqlite_file

MANIFEST: Final = "backup.json"
DATABASE: Final = "virtuoso.sqlite"
_SERIES: Final = "timeseries"
_MAGIC: Final = b"SQLite format 3\0"
_BESIDE: Final = (*COMPANIONS, "-journal")
"""What SQLite keeps beside a file while it is open: its content comes with the file's own copy."""

Progress = Callable[[float], None]
"""Told the share that is done, in [0, 1]."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup: `path` from the folder of the backup with `/`, size in bytes, SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: `made` is ISO 8601 in UTC, `version` that of the program."""

    made: str
    version: str
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files)


def back_up(settings: Settings, target: Path, *, made: str, version: str, progress: Progress) -> Manifest:
    """Copy database and time series into `target`, which is made.

    Raises:
        UsageError: there is nothing to copy, the target is there already, or a file cannot be read or written.
    """
    if target.exists():
        raise UsageError(f"{target} is there already; name a folder that is not")
    sources = dict(_sources(settings))
    if not sources:
        raise UsageError(f"data_dir = {settings.data_dir}: holds neither a database nor time series")
    part = _part_of(target)
    try:
        _remove(part)
        files = []
        for number, (path, source) in enumerate(sources.items()):
            progress(number / len(sources))
            if _copy(source, part / path):
                files.append(_described(part, path))
        progress(1.0)
        manifest = Manifest(made=made, version=version, files=tuple(files))
        (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        part.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"{target}: the backup is not whole: {error}") from error
    return manifest


def restore(settings: Settings, source: Path, *, progress: Progress) -> Manifest:
    """Put a backup into `data_dir`, once every file was found to be what was copied.

    Raises:
        UsageError: it is no backup or a damaged one, or something is kept in `data_dir` already; nothing was changed.
    """
    manifest = read(source)
    roots = _roots(settings, manifest)
    for root in roots.values():
        # What SQLite left beside a database would be played into whatever takes the database's place.
        for there in (root, *(root.with_name(f"{root.name}{end}") for end in _BESIDE)):
            if there.exists():
                moved = f"mv {there} {there}.old"
                raise UsageError(f"{there} is there already; stop monitor and web, and move it away: {moved}")
    _check(source, manifest)
    try:
        for root in roots.values():
            _remove(_part_of(root))  # of a restore that was not finished
        for number, file in enumerate(manifest.files):
            progress(number / len(manifest.files))
            first, *rest = Path(file.path).parts
            target = _part_of(roots[first]).joinpath(*rest)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file.path, target)
        for root in roots.values():
            _part_of(root).rename(root)
    except OSError as error:
        raise UsageError(f"{settings.data_dir}: the backup cannot be put there: {error}") from error
    progress(1.0)
    return manifest


def read(source: Path) -> Manifest:
    """Say what a backup holds, by its own word.

    Raises:
        UsageError: it is no backup.
    """
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise UsageError(f"{source} is no backup: {MANIFEST}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{source} is no backup: {MANIFEST}: {error}") from error
    for file in manifest.files:
        path = Path(file.path)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] not in {(DATABASE,), (_SERIES,)}:
            raise UsageError(f"{source} is no backup: it names a file outside it, {file.path}")
    return manifest


def _sources(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Every file that is kept, by its path in a backup."""
    if (database := sqlite_file(settings)) is not None and database.exists():
        yield DATABASE, database
    series = settings.data_dir / _SERIES
    for file in sorted(series.rglob("*")):
        if file.is_file() and not file.name.endswith(_BESIDE):
            yield file.relative_to(settings.data_dir).as_posix(), file


def _roots(settings: Settings, manifest: Manifest) -> dict[str, Path]:
    """Where each first part of a backup's paths goes."""
    roots = {_SERIES: settings.data_dir / _SERIES}
    found = {Path(file.path).parts[0] for file in manifest.files}
    if DATABASE in found:
        home = sqlite_file(settings)
        if home is None:
            raise UsageError("the backup holds a database of SQLite, and database.url names a server")
        roots[DATABASE] = home
    return {name: root for name, root in roots.items() if name in found}


def _part_of(path: Path) -> Path:
    """Where something is while it is not whole."""
    return path.with_name(f"{path.name}.part")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> bool:
    """Whether there was something to copy: what is over its retention may go while others are copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as file:
            is_database = file.read(len(_MAGIC)) == _MAGIC
        if not is_database:
            shutil.copyfile(source, target)
            return True
    except FileNotFoundError:
        return False
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as live,
        closing(sqlite3.connect(target)) as kept,
    ):
        live.backup(kept)
    return True


def _described(folder: Path, path: str) -> File:
    return File(path=path, bytes=(folder / path).stat().st_size, sha256=_sha256(folder / path))


def _check(source: Path, manifest: Manifest) -> None:
    for file in manifest.files:
        try:
            whole = _sha256(source / file.path) == file.sha256
        except OSError as error:
            raise UsageError(f"{source / file.path}: {error.strerror}; nothing was restored") from error
        if not whole:
            raise UsageError(f"{source / file.path} is not what was backed up; nothing was restored")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
