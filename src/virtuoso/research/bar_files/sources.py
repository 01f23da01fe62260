"""Bar files on the disk: which there are, and what reads them."""

from pathlib import Path

from virtuoso.research.bar_files.csv_source import CsvSource
from virtuoso.research.bar_files.parquet_source import ParquetSource
from virtuoso.research.bar_files.part import Source
from virtuoso.research.bar_files.problems import DataError

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".csv.zst")


def open_all(path: Path) -> list[Source]:
    """The file, or all bar files of the directory (not of those below it) by name.

    Raises:
        DataError: there is none, or one of them cannot be read or lacks a column.
    """
    return [_open(file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    try:
        if not path.exists():
            raise DataError(path, "there is no such file or directory")
        if not path.is_dir():
            return [path]
        inside = sorted(file for file in path.iterdir() if not file.name.startswith("."))
        files = [file for file in inside if file.name.lower().endswith(SUFFIXES) and file.is_file()]
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror or error}") from error
    if not files:
        raise DataError(path, f"is a directory without any {', '.join(SUFFIXES)} file")
    return files


def _open(path: Path) -> Source:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return ParquetSource(path)
    if name.endswith(SUFFIXES):
        return CsvSource(path)
    raise DataError(path, f"is of an unknown kind; known are {', '.join(SUFFIXES)}")
