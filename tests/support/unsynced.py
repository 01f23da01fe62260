"""A disk that forgets what was not synced, for SQLite: see unsynced.c."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


def environment(folder: Path) -> dict[str, str]:
    """What a process is started with so that it leaves copies of what it synced."""
    library = folder / "unsynced.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def power_cut(database: Path) -> bool:
    """Put back what was synced in place of what was written; whether anything was lost. Nobody may have it open."""
    lost = False
    for path in _files(database):
        synced = _synced(path)
        written, kept = _bytes(path), _bytes(synced)
        lost = lost or written != kept
        if kept is None:
            path.unlink(missing_ok=True)
        elif written != kept:
            path.write_bytes(kept)
    for end in ("-shm", "-wal.part", ".part"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    return lost


def all_synced(database: Path) -> None:
    """What is there now is on the disk: after another process than that one had it open."""
    for path in _files(database):
        if path.exists():
            shutil.copyfile(path, _synced(path))
        else:
            _synced(path).unlink(missing_ok=True)


def _files(database: Path) -> tuple[Path, Path]:
    return database, database.with_name(database.name + "-wal")


def _synced(path: Path) -> Path:
    return path.with_name(path.name + ".synced")


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
