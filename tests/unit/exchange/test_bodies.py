"""Packed bodies: one that goes on after its end is refused, never cut in silence."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from virtuoso.exchange.bodies import read_bounded
from virtuoso.model.errors import ExchangeUnavailable

LONG = bytes(range(256)) * 1_000


async def read(data: bytes, packed: str) -> bytes:
    """The body as it is read of an answer from a server."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=data, headers={"Content-Encoding": packed})

    app = web.Application()
    app.router.add_get("/", answer)
    async with (
        TestServer(app) as server,
        ClientSession(auto_decompress=False) as session,
        session.get(server.make_url("/")) as found,
    ):
        return await read_bounded(found, 1 << 20)


@pytest.mark.parametrize(("pack", "packed"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
async def test_a_packed_body_is_read_whole_or_refused(pack: Callable[[bytes], bytes], packed: str) -> None:
    assert await read(pack(LONG), packed) == LONG
    for after in (pack(b"more"), b"x", b"x" * 200_000):
        with pytest.raises(ExchangeUnavailable, match="goes on after its end"):
            await read(pack(LONG) + after, packed)
    with pytest.raises(ExchangeUnavailable, match="ends too soon"):
        await read(pack(LONG)[:-9], packed)
