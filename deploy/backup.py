"""Copy what a running Virtuoso keeps: `backup.py DATA_DIR TARGET`; the copy is whole, and can be started from.

SQLite's own back-up copies each file as of one moment, with what is still in its log, and disturbs nobody. InfluxDB and
the spool of points that wait for it are not part of it.
"""
# ruff: noqa: T201

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def main() -> int:
    """Copy."""
    if len(sys.argv) != 3:
        print("backup: say DATA_DIR and TARGET", file=sys.stderr)
        return 2
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    files = [*source.glob("virtuoso.sqlite"), *sorted(source.glob("timeseries/*/*.db"))]
    if not files or target.exists():
        print(f"backup: {target} is there already" if files else f"backup: {source} holds nothing", file=sys.stderr)
        return 2
    for file in files:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as live, closing(sqlite3.connect(copy)) as kept:
            live.backup(kept)
    for archive in source.glob("timeseries/*/archive"):
        shutil.copytree(archive, target / archive.relative_to(source))
    print(f"backup: {len(files)} files in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
