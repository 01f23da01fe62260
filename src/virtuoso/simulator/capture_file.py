"""Reads a raw capture: a JSON object a line, as cryptofeed writes it, plain or packed with zstandard.

`t` says what a line is: `connect` names the address of a connection, `recv` carries a frame of it (`data`, a JSON text)
with the time of receipt (`ts`, seconds), `http` an answer; other lines are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as held
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import msgspec
from msgspec import field

from virtuoso.model.errors import UsageError
from virtuoso.model.installed.zstd import ZstdError, ZstdFile
from virtuoso.model.text.failures import why_unread
from virtuoso.simulator.source import Item

_PACKED = b"\x28\xb5\x2f\xfd"
_MOST_FRAMES = 5_000_000


class _Line(msgspec.Struct, frozen=True):
    t: str
    conn: str = ""
    addr: str = ""
    ts: float = 0.0
    data: str = ""


class _Frame(msgspec.Struct, frozen=True):
    topic: str


class _Result(msgspec.Struct, frozen=True):
    category: str = ""
    items: list[dict[str, Any]] = field(default_factory=list, name="list")


class _Answer(msgspec.Struct, frozen=True):
    result: _Result


@dataclass(slots=True)
class Captured:
    """Data frames as (receive ms, category, bytes) by time, and the instruments of each category that they name."""

    frames: list[tuple[int, str, bytes]] = held(default_factory=list)
    instruments: dict[str, list[Item]] = held(default_factory=dict)
    symbols: dict[str, set[str]] = held(default_factory=dict)
    category_of: dict[str, str] = held(default_factory=dict)
    """Category of each connection."""


def read_capture(path: Path) -> Captured:
    """Read a whole capture of frames into memory.

    Raises:
        UsageError: the file cannot be read, a line is not of that form, or no line carries a frame of a topic.
    """
    found = Captured()
    number = 0
    try:
        for text in _lines(path):
            number += 1
            _take(found, msgspec.json.decode(text, type=_Line))
    except (OSError, EOFError, ZstdError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the capture cannot be read: {why_unread(error)}") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        form = '{"t": "recv", "conn": …, "ts": …, "data": …}'
        raise UsageError(f"{path}:{number}: not a line of a raw capture ({error}); expected {form}") from error
    if not found.frames:
        raise UsageError(f"{path}: no line holds a frame with a topic; is this a raw capture of Bybit's v5 streams?")
    found.frames.sort(key=lambda frame: frame[0])  # connections are recorded side by side
    found.instruments = {
        category: [item for item in items if item.get("symbol") in found.symbols.get(category, ())]
        for category, items in found.instruments.items()
    }
    return found


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        packed = file.read(len(_PACKED)) == _PACKED
        file.seek(0)
        with TextIOWrapper(ZstdFile(file) if packed else file, "utf-8") as text:
            yield from text


def _take(found: Captured, line: _Line) -> None:
    if line.t == "connect":
        found.category_of[line.conn] = line.addr.rstrip("/").rpartition("/")[2]
    elif line.t == "http":
        result = msgspec.json.decode(line.data, type=_Answer).result
        found.instruments.setdefault(result.category, []).extend(result.items)
    elif line.t == "recv" and line.conn in found.category_of and '"topic"' in line.data:  # not an acknowledgement
        if len(found.frames) >= _MOST_FRAMES:
            raise UsageError(f"the capture holds more than {_MOST_FRAMES:,} frames; cut it")
        category, frame = found.category_of[line.conn], line.data.encode()
        found.frames.append((int(line.ts * 1000), category, frame))
        symbol = msgspec.json.decode(frame, type=_Frame).topic.rpartition(".")[2]
        found.symbols.setdefault(category, set()).add(symbol)
