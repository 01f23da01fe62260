"""Opens files of text, plain or packed by gzip, zstd or zip, up to a bound of what they unpack to."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from virtuoso.research.bar_files.problems import DataError

TEXTS = (".csv", ".tsv", ".json")
"""Kinds of text that may be in a file."""
PACKED = {".gz": "gzip", ".zst": "zstd"}
ZIP = ".zip"

_FREE_BYTES = 1 << 26
_MOST_TIMES = 250
"""How often its own size a file may unpack to beyond `_FREE_BYTES`: rows of bars pack by a factor of ten or less."""
_ENCRYPTED = 1


class Text:
    """The unpacked bytes of a file, read once from the beginning on.

    Attributes:
        bytes: size of the file as it lies there.
    """

    def __init__(self, path: Path, read: Callable[[int], bytes], done: Callable[[], int], size: int) -> None:
        self.bytes = size
        self._path, self._read, self._done = path, read, done
        self._most = _FREE_BYTES + _MOST_TIMES * size
        self._unpacked = 0

    def read(self, most: int) -> bytes:
        """Read up to `most` bytes; none at the end.

        Raises:
            DataError: the file unpacks to far more than bars would.
        """
        data = self._read(most)
        self._unpacked += len(data)
        if self._unpacked > self._most:
            raise DataError(self._path, f"unpacks to more than {_MOST_TIMES} times its size; that is no file of bars")
        return data

    def done(self) -> int:
        """How many bytes of the file were read, packed."""
        return min(self._done(), self.bytes)


@contextmanager
def opened(path: Path, form: str) -> Iterator[Text]:
    """Open a file of text; what goes wrong while it is read is told of the file.

    Args:
        path: the file; its name says how it is packed.
        form: what it is read as ("CSV", "JSON"), for messages.

    Raises:
        DataError: it cannot be opened or read, or a zip holds other than one file of bars.
    """
    try:
        with ExitStack() as stack:
            yield _zipped(path, stack) if path.suffix.lower() == ZIP else _streamed(path, stack)
    except (OSError, pa.ArrowException, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(
            path, f"cannot be read as {form}: {(str(error) or 'it ends too early').splitlines()[0]}"
        ) from error


def form_of(path: Path) -> str:
    """Say how a file of text is written, "CSV" or "JSON", by its name or that of the file in its zip.

    Raises:
        DataError: a zip holds other than one file of bars.
    """
    name = path.name.lower()
    if name.endswith(ZIP):
        with opened(path, "zip") as _, zipfile.ZipFile(path) as archive:
            name = _only_member(path, archive).filename.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return "JSON" if name.endswith(".json") else "CSV"


def _streamed(path: Path, stack: ExitStack) -> Text:
    raw: Any = stack.enter_context(pa.OSFile(str(path)))
    packed = PACKED.get(path.suffix.lower())
    stream = stack.enter_context(pa.CompressedInputStream(raw, packed)) if packed else raw
    return Text(path, stream.read, raw.tell, int(raw.size()))


def _zipped(path: Path, stack: ExitStack) -> Text:
    raw = stack.enter_context(path.open("rb"))
    archive = stack.enter_context(zipfile.ZipFile(raw))
    stream = stack.enter_context(archive.open(_only_member(path, archive)))
    return Text(path, stream.read, raw.tell, path.stat().st_size)


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in TEXTS]
    if len(members) != 1:
        held = f"{len(members):,} files" if members else "no file"
        raise DataError(path, f"holds {held} of {', '.join(TEXTS)}, one is needed: unpack it and give the folder")
    if members[0].flag_bits & _ENCRYPTED:
        raise DataError(path, "is encrypted: unpack it and give the file in it")
    return members[0]
