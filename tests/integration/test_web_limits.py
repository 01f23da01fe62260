"""What a stranger sends has bounds in size, number and time, before anything of it is looked at."""

import asyncio

import pytest
from tests.support.raw_web import GET, raw_web

from virtuoso.web.connections.limits import Limits

HOST = b"Host: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"x%d: 1\r\n" % number for number in range(101)) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"x%d: %b\r\n" % (n, b"a" * 1_000) for n in range(20)) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x" * 20_000 + b": 1\r\n\r\n",
    ],
    ids=["target", "header", "headers", "all", "name"],
)
async def test_a_head_that_is_too_large_is_431_and_closed(head: bytes) -> None:
    async with raw_web(token="a-token-that-is-long-enough") as web:
        client = await web.client()
        answer = await client.ask(head)
        assert answer.status == 431
        assert answer.json()["status"] == 431
        assert await client.closed()
        assert (await web.ask(GET)).status == 200


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n" + HOST + b"x: ", b"GET /", b"GET / HTTP/1.1\r\n"])
async def test_a_head_without_an_end_is_cut_after_little(start: bytes) -> None:
    """It took 380 MB and stood in everybody's way for seconds."""
    async with raw_web() as web:
        client = await web.client()
        await client.send(start)
        for _ in range(100):
            await client.send(b"a" * 65_536 if start[-2:] != b"\r\n" else b"x: 1\r\n" * 10_000)
            assert web.server.crowd.unfinished < 600_000
            if client.reader.at_eof() or client.writer.is_closing():
                break
        assert (await client.answer()).status in {431, 0}
        assert await client.closed()
        assert web.server.crowd.unfinished == 0


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"1;x=", b"1\r\na\r\n0\r\nx"])
async def test_headers_that_follow_a_body_are_cut_after_little_too(start: bytes) -> None:
    """The parser gathers a trailer as it does a header: it held all that came in the time that a body has."""
    async with raw_web() as web:
        client = await web.client()
        await client.send(b"POST /health/live HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + start)
        for _ in range(100):
            await client.send(b"a" * 65_536)
            assert web.server.crowd.unfinished < 600_000
            if client.reader.at_eof() or client.writer.is_closing():
                break
        assert await client.closed(2.0)
        assert web.server.crowd.unfinished == 0
        assert web.server.crowd.refused["431"] == 1


async def test_a_body_in_many_small_chunks_is_taken() -> None:
    async with raw_web() as web:
        client = await web.client()
        await client.send(b"POST /health/live HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            await client.send(b"1;of=many\r\na\r\n" * 200)
        assert (await client.ask(b"0\r\nx: 1\r\n\r\n")).status == 405
        assert (await client.ask(GET)).status == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: ", b"\r\n\r\n"])
async def test_a_head_that_does_not_come_in_time_is_closed(sent: bytes) -> None:
    async with raw_web(Limits(head_s=1.0)) as web:
        client = await web.client()
        await client.send(sent)
        for _ in range(3):  # a byte now and then is no head
            await asyncio.sleep(0.3)
            await client.send(b"\r\n" if not sent.startswith(b"GET") else b"a")
        assert (await client.answer()).status == 408
        assert await client.closed()


async def test_a_connection_that_asks_nothing_more_is_closed() -> None:
    async with raw_web(Limits(head_s=1.0)) as web:
        client = await web.client()
        assert (await client.ask(GET)).status == 200
        assert (await client.ask(GET)).status == 200

        async def go_on() -> None:
            while True:
                await asyncio.sleep(0.2)
                await client.send(b"\r\n")  # an empty line is no request

        sending = asyncio.create_task(go_on())
        assert await client.closed(10)
        sending.cancel()
        assert web.server.connections == 0


async def test_a_body_that_does_not_end_is_closed() -> None:
    async with raw_web(Limits(body_s=1.0)) as web:
        post = b"POST /api/silences HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        client = await web.client()
        assert (await client.ask(post + b"Content-Length: 100\r\n\r\n{")).status == 408
        assert await client.closed()
        client = await web.client()
        await client.send(post + b"Content-Length: 1000000000\r\n\r\n")
        for _ in range(100):
            await client.send(b"a" * 65_536)
        assert (await client.answer()).status in {413, 0}
        assert await client.closed()


async def test_an_unwanted_body_without_an_end_is_cut_too() -> None:
    async with raw_web(Limits(body_bytes=200_000)) as web:
        client = await web.client()
        answer = await client.ask(GET[:-2] + b"Content-Length: 1000000000\r\n\r\n")
        assert answer.status == 200
        for _ in range(20):
            await client.send(b"a" * 65_536)
        assert await client.closed()


async def test_connections_are_bounded_for_one_address_and_for_all() -> None:
    async with raw_web(Limits(connections=6, per_address=4)) as web:
        same = [await web.client("127.0.0.2") for _ in range(4)]
        for client in same:
            assert (await client.ask(GET)).status == 200
        assert (await (await web.client("127.0.0.2")).answer()).status == 503
        others = [await web.client("127.0.0.3") for _ in range(2)]
        for client in others:
            assert (await client.ask(GET)).status == 200
        refused = await web.client("127.0.0.4")
        assert (await refused.answer()).status == 503
        assert await refused.closed()
        others[0].writer.close()
        async with asyncio.timeout(10):
            while web.server.crowd.connected == 6:
                await asyncio.sleep(0.01)
        assert (await (await web.client("127.0.0.4")).ask(GET)).status == 200


async def test_what_all_send_and_do_not_finish_is_bounded() -> None:
    async with raw_web(Limits(unfinished_bytes=50_000)) as web:
        clients = [await web.client() for _ in range(10)]
        for client in clients:
            await client.send(b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 10_000)
        async with asyncio.timeout(10):
            while not web.server.crowd.refused["503"]:
                await asyncio.sleep(0.01)
        assert web.server.crowd.unfinished <= 50_000
        assert (await web.ask(GET)).status == 200


async def test_requests_that_do_not_wait_for_answers_are_answered_in_order_up_to_a_bound() -> None:
    async with raw_web() as web:
        client = await web.client()
        await client.send(GET * 10)
        assert [(await client.answer()).status for _ in range(10)] == [200] * 10
        await client.send(GET * 1_000)
        assert await client.closed()
        assert (await web.ask(GET)).status == 200


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x : 1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
async def test_what_is_not_http_is_400_and_closed(nonsense: bytes) -> None:
    async with raw_web() as web:
        client = await web.client()
        assert (await client.ask(nonsense)).status == 400
        assert await client.closed()


async def test_an_upgrade_is_answered_as_if_it_were_not_asked_for() -> None:
    async with raw_web() as web:
        client = await web.client()
        upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
        assert (await client.ask(upgrade)).status == 200
