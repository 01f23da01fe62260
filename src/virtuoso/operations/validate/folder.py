"""The folder of raw samples: written line by line while a window runs, and read whole to be judged."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread
from virtuoso.operations.validate.reducing import incidents_of, reduced_answer, reduced_prices, reduced_status
from virtuoso.operations.validate.samples import (
    ALERTS,
    RECENT,
    Processes,
    Route,
    Run,
    Sample,
    SampleFile,
    Samples,
    Statement,
    symbol_of,
)

RUN: Final = "run.json"
ROUTES: Final = "routes.json"
STATEMENT: Final = "statements.json"
LOG: Final = "log.txt"
_ANSWERS: Final = "answers"
_T = TypeVar("_T")
_BLOCK: Final = 1 << 20


class SampleWriter:
    """Writes samples as they come; whatever is written is a whole line, so that a run that is killed can be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise UsageError(f"{folder}: holds something already; name an empty folder for the samples")
        except OSError as error:
            raise UsageError(f"{folder}: samples cannot be written there: {why_unread(error)}") from error

    def add(self, name: str, line: msgspec.Struct) -> None:
        """Append a line to the file `name`."""
        self._append(name, msgspec.json.encode(line) + b"\n")

    def answer(self, path: str, sample: Sample) -> None:
        """Append an answer to the file of its documented path."""
        self.add(file_of(path), sample)

    def write(self, name: str, document: Any) -> None:
        """Write a whole document to a file of the folder, as indented JSON; what stood there stays until it is."""
        path = self.folder / name
        part = path.with_name(f".{name}.part")
        try:
            part.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
            part.replace(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {why_unread(error)}") from error

    def log(self, lines: list[str]) -> None:
        """Append lines of the deployment's log; the first call makes the file, also without any."""
        self._append(LOG, "".join(f"{line}\n" for line in lines).encode())

    def _append(self, name: str, content: bytes) -> None:
        try:
            with (self.folder / name).open("ab") as file:
                file.write(content)
        except OSError as error:
            raise UsageError(f"{self.folder / name}: cannot be written: {why_unread(error)}") from error


def file_of(path: str) -> str:
    """The name of the file that holds the answers of a documented path."""
    return f"{_ANSWERS}{path.replace('/', '.').replace('{', '').replace('}', '').rstrip('.') or '.root'}.jsonl"


def read_samples(folder: Path) -> Samples:
    """Read a folder of samples into memory.

    Raises:
        UsageError: it is none, or a line of it cannot be read.
    """
    run = _document(folder, RUN, Run)
    if run is None:
        raise UsageError(f"{folder}: holds no samples: there is no {RUN}")
    routes = _document(folder, ROUTES, tuple[Route, ...]) or ()
    found = Samples(run, routes, statement=_document(folder, STATEMENT, Statement))
    for route in routes:
        if route.method == "GET":
            found.answers[route.path] = list(_answered(folder, route.path, found))
    for name, kept in (("exchange", found.exchange), ("books", found.books), ("changing", found.changing)):
        kept.extend(_lines(folder, f"{name}.jsonl", Sample))
    found.status.extend(map(reduced_status, _lines(folder, "status.jsonl", Sample)))
    found.prices.extend(_priced(folder, found))
    found.processes.extend(_lines(folder, "processes.jsonl", Processes))
    found.log = tuple(_log(folder))
    if run.ended == run.began and found.status:  # it was killed, and could not say when
        found.run = replace(run, ended=found.status[-1].at)
    found.files = tuple(
        _hashed(path) for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")
    )
    return found


def _answered(folder: Path, path: str, found: Samples) -> Iterator[Sample]:
    """The answers of a path; incidents, which are told again and again, are kept once."""
    for one in _lines(folder, file_of(path), Sample):
        if path in {ALERTS, RECENT} and one.status == 200:
            found.incidents.update(incidents_of(one))
        yield reduced_answer(path, one)


def _priced(folder: Path, found: Samples) -> Iterator[Sample]:
    """The prices that are compared with the exchange's; which symbols there were is kept when it changes."""
    compared = {symbol_of(one) for one in found.exchange}
    for one in _lines(folder, "prices.jsonl", Sample):
        prices, names = reduced_prices(one, compared)
        if names is not None and (not found.watched or names != found.watched[-1]):
            found.watched.append(names)
        yield prices


def _document(folder: Path, name: str, kind: type[_T]) -> _T | None:
    path = folder / name
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {why_unread(error)}") from error


def _lines(folder: Path, name: str, kind: type[_T]) -> Iterator[_T]:
    path = folder / name
    decoder = msgspec.json.Decoder(kind)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise UsageError(f"{path}:{number}: is no sample: {error}") from error
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {why_unread(error)}") from error


def _log(folder: Path) -> list[str]:
    path = folder / LOG
    return path.read_bytes().decode("utf-8", "replace").splitlines() if path.is_file() else []


def _hashed(path: Path) -> SampleFile:
    found, lines, size = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
            lines += block.count(b"\n")
            size += len(block)
    return SampleFile(path.name, lines, size, found.hexdigest())
