"""Bodies of answers, read and unpacked within a bound: a small one may unpack to gigabytes."""

import zlib
from typing import Protocol

import aiohttp

from virtuoso.model.errors import ExchangeUnavailable

ENCODINGS = "gzip, deflate"
"""What may be asked for in `Accept-Encoding`."""
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_PIECE, _SHOWN = 1 << 16, 60


class Unpacker(Protocol):
    """The interface of zlib's decompression objects, as far as it is used here."""

    @property
    def eof(self) -> bool:
        """Whether the end of what was packed has come."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Bytes that came after the end of the compressed stream."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """More of the body, at most `max_length` bytes (0 = without a bound)."""
        ...


async def read_bounded(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer whose session does not unpack by itself; at most `most` bytes, packed and unpacked.

    Raises:
        ExchangeUnavailable: it is larger, cannot be unpacked, goes on after its end, or is packed as was not asked for.
    """
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise ExchangeUnavailable(f"a body packed as {encoding[:40]!r}, which was not asked for")
    if (announced := answer.content_length) is not None and announced > most:
        raise ExchangeUnavailable(f"a body of {announced:,} bytes; at most {most:,} are taken")
    body, packed, unpack = bytearray(), 0, None
    async for piece in answer.content.iter_chunked(_PIECE):
        packed += len(piece)
        if packed == len(piece):
            unpack = _unpacker(encoding, piece)
        body += piece if unpack is None else _unpacked(unpack, piece, most + 1 - len(body))
        if max(packed, len(body)) > most:
            raise ExchangeUnavailable(f"a body of more than {most:,} bytes")
    if unpack is not None and not unpack.eof:
        raise ExchangeUnavailable("a packed body that ends too soon")
    if unpack is not None and unpack.unused_data:
        raise ExchangeUnavailable("a packed body that goes on after its end")
    return bytes(body)


def not_an_answer(body: bytes | str) -> str:
    """What to say of a body with status 200 that is no API answer: what it seems to be, and how it begins."""
    begins = body[:_SHOWN]
    what = "a web page that is not the exchange's" if begins.lstrip()[:1] in {b"<", "<"} else "not an API answer"
    return f"{what}: {begins!r}"


def bounded_response(most: int) -> type[aiohttp.ClientResponse]:
    """A kind of response, for a session that does not unpack by itself, whose bodies are read within a bound."""

    class Bounded(aiohttp.ClientResponse):
        """A response that raises where its body, packed or unpacked, is larger than the bound."""

        async def read(self) -> bytes:
            """Read and unpack the whole body, once."""
            if self._body is None:
                self._body = await read_bounded(self, most)
            return self._body

    return Bounded


def _unpacker(encoding: str, first: bytes) -> Unpacker | None:
    if encoding in {"", "identity"}:
        return None
    if encoding == "deflate":  # by the book with a header, which some leave out
        return zlib.decompressobj(zlib.MAX_WBITS if first[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS)
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _unpacked(unpack: Unpacker, piece: bytes, most: int) -> bytes:
    try:
        return unpack.decompress(piece, most)
    except zlib.error as error:
        raise ExchangeUnavailable(f"a body that cannot be unpacked: {error}") from error
