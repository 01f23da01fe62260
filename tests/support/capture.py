"""The real capture, frame by frame."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import msgspec
import zstandard

CAPTURE = Path(__file__).parents[1] / "data" / "bybit_v5_ws_20260809" / "capture.jsonl.zst"
CATEGORIES = {"BYBIT.ws.2": "linear", "BYBIT.ws.3": "spot"}


def lines() -> Iterator[dict[str, object]]:
    """Every line of the capture."""
    with CAPTURE.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        for line in TextIOWrapper(reader, "utf-8"):
            yield msgspec.json.decode(line)


def frames() -> Iterator[tuple[str, bytes, int]]:
    """What was received: category, frame, receive time (epoch ns)."""
    for line in lines():
        if line["t"] == "recv":
            yield CATEGORIES[str(line["conn"])], str(line["data"]).encode(), int(float(str(line["ts"])) * 1e9)
