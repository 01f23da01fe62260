"""Why a host was not reached or a file not read, as clients and systems fail: in words, not in those of a library."""

import asyncio
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
import redis.asyncio

from virtuoso.model.text.failures import why_unreached, why_unread


async def _asked(url: str) -> BaseException:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError, OSError)) as caught:
            await session.get(url)
    return caught.value


async def test_a_refused_connection() -> None:
    assert why_unreached(await _asked("http://127.0.0.1:9")) == "connection refused"
    with pytest.raises(OSError, match="Connect call failed") as caught:
        await asyncio.open_connection("127.0.0.1", 9)
    assert why_unreached(caught.value) == "connection refused"


async def test_a_name_that_is_none() -> None:
    said = "there is no host of this name, or no name service"
    assert why_unreached(await _asked("http://nohost.invalid")) == said
    assert why_unreached(socket.gaierror(-2, "Name or service not known")) == said


async def test_a_server_that_hangs_up_and_one_without_tls() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        assert why_unreached(await _asked(f"http://127.0.0.1:{port}")) == "the connection was closed before the answer"
        assert "ssl" not in why_unreached(await _asked(f"https://127.0.0.1:{port}"))
    finally:
        server.close()
        await server.wait_closed()


async def test_what_a_client_raised_from_it() -> None:
    client = redis.asyncio.Redis.from_url("redis://127.0.0.1:9/0", retry=None)
    with pytest.raises(redis.ConnectionError) as caught:
        await client.ping()
    await client.aclose()
    assert why_unreached(caught.value) == "connection refused"


def test_what_is_left_speaks_for_itself() -> None:
    assert why_unreached(TimeoutError()) == "no answer in time"
    assert why_unreached(OSError(101, "x")) == "network is unreachable"
    assert why_unreached(ValueError("odd header")) == "odd header"
    assert why_unreached(RuntimeError()) == "RuntimeError"
    untrusted = ssl.SSLCertVerificationError()
    untrusted.verify_message = "self-signed certificate"
    assert why_unreached(untrusted) == "its certificate is not trusted: self-signed certificate"


def test_a_file_that_was_not_read(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"a\xff")
    said = []
    for name in ("none", ".", "bad"):
        with pytest.raises((OSError, UnicodeDecodeError)) as caught:
            (tmp_path / name).read_text("utf-8")
        said.append(why_unread(caught.value))
    assert said == ["no such file or directory", "is a directory", "it is not UTF-8 text (byte 1)"]
    assert why_unread(EOFError("it ends too early")) == "it ends too early"
