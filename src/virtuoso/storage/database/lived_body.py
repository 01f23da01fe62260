"""What the rows of `lived` hold: columns of all symbols, their bytes of equal weight side by side, compressed."""

import struct
from typing import Any, Final

import msgspec

from virtuoso.model.installed.zstd import ZstdCompressor, ZstdDecompressor, ZstdError

_LEVEL: Final = 9
_MOST_BYTES: Final = 64_000_000
_SIZES: Final = {"<f4": 4, "<f8": 8}


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A table [k, n] of numbers; the bytes of equal weight of all of them lie side by side."""

    shape: tuple[int, int]
    dtype: str
    values: bytes


class SaidBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was said at a close, by column and symbol."""

    symbols: tuple[str, ...]
    version: str | None
    horizon_min: int
    columns: tuple[str, ...]
    values: Block


class CameBody(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it over one horizon, of the same symbols; `entry` is beside the `columns` of `values`."""

    columns: tuple[str, ...]
    entry: Block
    values: Block


def packed(body: msgspec.Struct) -> bytes:
    """Encode a body as MessagePack, compressed."""
    return ZstdCompressor(level=_LEVEL).compress(msgspec.msgpack.encode(body), mode=ZstdCompressor.FLUSH_FRAME)


def unpacked(body: bytes, kind: Any) -> Any:
    """The body of this kind that was packed.

    Raises:
        ValueError: these are no such bytes.
    """
    try:
        unpacking = ZstdDecompressor()
        whole = unpacking.decompress(body, max_length=_MOST_BYTES)
        if not unpacking.eof:
            raise ValueError("larger than what is kept, or not whole")
        return msgspec.msgpack.decode(whole, type=kind)
    except (ZstdError, msgspec.MsgspecError) as error:
        raise ValueError(f"not what is kept here: {error}") from error


def of_one(block: Block, at: int) -> list[float]:
    """The numbers [k] of the symbol in column `at`; a table is too much to load for one.

    Raises:
        ValueError: the block is not whole, or has no such column.
    """
    (rows, columns), size = block.shape, _SIZES.get(block.dtype)
    count = rows * columns
    if size is None or not 0 <= at < columns or len(block.values) != count * size:
        raise ValueError("a table of numbers that is not whole")
    form = "<f" if size == _SIZES["<f4"] else "<d"
    return [
        struct.unpack(form, bytes(block.values[plane * count + row * columns + at] for plane in range(size)))[0]
        for row in range(rows)
    ]
