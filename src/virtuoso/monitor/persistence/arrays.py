"""Arrays as text for the database, and what of the outlook is kept under which name."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

CLAIMS, FIT, SAMPLES = "claims", "fit", "samples"
NAMES: Final = (CLAIMS, FIT, SAMPLES)
"""What became of claims; the fit that forecasts come from; what fits are made of."""
_MOST_BYTES = 64_000_000


class _Array(msgspec.Struct, frozen=True, array_like=True):
    shape: tuple[int, ...]
    values: str


def written(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Arrays of numbers as text; what `read` makes of it is the same to the last bit."""
    whole = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    return msgspec.json.encode({
        name: _Array(array.shape, b64encode(zlib.compress(array.astype("<f8").tobytes(), 1)).decode())
        for name, array in whole.items()
    }).decode()  # fmt: skip


def read(text: str) -> dict[str, NDArray[np.float64]]:
    """The arrays that were `written`.

    Raises:
        ValueError: it is no text of arrays, or larger than any that is written.
    """
    try:
        found = msgspec.json.decode(text, type=dict[str, _Array])
        return {name: _array(each) for name, each in found.items()}
    except (msgspec.MsgspecError, zlib.error) as error:
        raise ValueError(f"no arrays: {error}") from error


def _array(each: _Array) -> NDArray[np.float64]:
    unpacking = zlib.decompressobj()
    body = unpacking.decompress(b64decode(each.values, validate=True), _MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError("larger than what is kept")
    return np.frombuffer(body, "<f8").reshape(each.shape).astype(np.float64)
