"""Finds bar files on the disk, and what reads them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from virtuoso.research.bar_files.formats.csv_source import CsvSource
from virtuoso.research.bar_files.formats.feather_source import FeatherSource
from virtuoso.research.bar_files.formats.packed import PACKED, TEXTS, ZIP
from virtuoso.research.bar_files.formats.parquet_source import ParquetSource
from virtuoso.research.bar_files.formats.trades import TradeSource
from virtuoso.research.bar_files.hints import SYMBOL, Hints
from virtuoso.research.bar_files.part import Source
from virtuoso.research.bar_files.problems import DataError

_ARROW: dict[str, Callable[[Path, Hints], Source]] = {
    ".parquet": ParquetSource,
    ".feather": FeatherSource,
    ".arrow": FeatherSource,
}
SUFFIXES = (*_ARROW, *TEXTS, *(text + packed for text in TEXTS for packed in PACKED), ZIP)
_KNOWN = f"{', '.join((*_ARROW, *TEXTS))} (the last three also with {' or '.join(PACKED)}), {ZIP}"
_MAGIC = frozenset("*?[")
_CURES = {
    (".xlsx", ".xls", ".xlsm", ".ods"): "a spreadsheet: save it as CSV",
    (".h5", ".hdf5"): "HDF5: freqtrade convert-data --format-from hdf5 --format-to feather",
    (".pkl", ".pickle"): "a pickle, which can run code when it is read: save it as Parquet",
    (".jsongz",): "gzipped JSON of freqtrade: call it .json.gz",
    (".txt",): "text: if it holds bars, call it .csv",
    (".rar", ".7z", ".tar", ".tar.gz", ".tgz", ".bz2", ".xz"): "packed in a way that is not read: unpack it",
}


def open_all(data: Sequence[Path], hints: Hints) -> list[Source]:
    """List the files given, those that match a pattern, and all bar files of folders (not of those below), by name.

    Raises:
        DataError: there is none, or one of them cannot be read or lacks a column.
    """
    files = dict.fromkeys(file for path in data for file in _files(path))
    sources = [_open(file, hints) for file in files]
    if hints.symbol is not None and all(SYMBOL in source.names for source in sources):
        raise DataError(sources[0].path, "has a column of symbols; --symbol is for files without one, leave it out")
    return sources


def _files(path: Path) -> list[Path]:
    try:
        if not path.exists() and set(str(path)) & _MAGIC:
            return _matching(path)
        if not path.exists():
            raise DataError(path, "there is no such file or directory")
        if not path.is_dir():
            return [path]
        files = _of_bars(list(path.iterdir()))
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror or error}") from error
    if not files:
        raise DataError(path, f"is a directory without any file of {_KNOWN}")
    return files


def _matching(pattern: Path) -> list[Path]:
    try:
        found = list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except (ValueError, NotImplementedError) as error:
        raise DataError(pattern, f"is no pattern of files: {error}") from error
    files = _of_bars(found)
    if not files:
        what = f"none of the {len(found):,} files that match is one of {_KNOWN}" if found else "no file matches"
        raise DataError(pattern, what)
    return files


def _of_bars(paths: list[Path]) -> list[Path]:
    seen = sorted(path for path in paths if not path.name.startswith("."))
    return [path for path in seen if path.name.lower().endswith(SUFFIXES) and path.is_file()]


def _open(path: Path, hints: Hints) -> Source:
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        cure = next((cure for suffixes, cure in _CURES.items() if name.endswith(suffixes)), "of an unknown kind")
        raise DataError(path, f"is {cure}; known are {_KNOWN}")
    source = _ARROW.get(path.suffix.lower(), CsvSource)(path, hints)
    return TradeSource(source) if source.recognised.layout.trades else source
