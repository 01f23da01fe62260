"""Arrays as text for the database, and what of the outlook is kept under which name."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

FIT, SAMPLES, RECENT = "fit", "samples", "recent"
NAMES: Final = (FIT, SAMPLES, RECENT)
"""The fit that forecasts come from; what fits are made of, once a day; what came since, and all else that is learnt."""
_TYPES: Final = ("<f8", "<f4", "<i8", "<i4", "<u2", "|u1")
"""What is kept as it is; all else is kept as the first."""
_MOST_BYTES = 64_000_000


class _Array(msgspec.Struct, frozen=True, array_like=True):
    shape: tuple[int, ...]
    values: str
    type: str = _TYPES[0]


def written(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Arrays of numbers as text; what `read` makes of it is the same to the last bit."""
    return msgspec.json.encode({name: _written(np.asarray(array)) for name, array in arrays.items()}).decode()


def _written(array: NDArray[Any]) -> _Array:
    kind = array.dtype.newbyteorder("<").str
    kind = kind if kind in _TYPES else _TYPES[0]
    return _Array(array.shape, b64encode(zlib.compress(array.astype(kind).tobytes(), 1)).decode(), kind)


def read(text: str) -> dict[str, NDArray[Any]]:
    """The arrays that were `written`, of the same types.

    Raises:
        ValueError: it is no text of arrays, or larger than any that is written.
    """
    try:
        found = msgspec.json.decode(text, type=dict[str, _Array])
        return {name: _array(each) for name, each in found.items()}
    except (msgspec.MsgspecError, zlib.error) as error:
        raise ValueError(f"no arrays: {error}") from error


def _array(each: _Array) -> NDArray[Any]:
    if each.type not in _TYPES:
        raise ValueError("no type of numbers that is kept")
    unpacking = zlib.decompressobj()
    body = unpacking.decompress(b64decode(each.values, validate=True), _MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError("larger than what is kept")
    found = np.frombuffer(body, each.type).reshape(each.shape)
    return found.astype(found.dtype.newbyteorder("="))
