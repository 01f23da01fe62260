"""The client of a running Virtuoso, against a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from virtuoso.cli.terminal.client import Client, parsed, token_of
from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.model.text.token_hash import hash_of

EVENT = b'event: signals\nid: 1-2\ndata: {"signals":[]}'
LONG = b"x" * 300_000


@asynccontextmanager
async def serving(chunks: list[bytes]) -> AsyncIterator[str]:
    """A server whose stream sends `chunks` and ends, and that wants the token `secret`."""

    async def stream(request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != "Bearer secret":
            raise web.HTTPUnauthorized
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for chunk in chunks:
            await answer.write(chunk)
        return answer

    async def bars(_: web.Request) -> web.Response:
        return web.json_response(examples.BARS)

    async def problem(_: web.Request) -> web.Response:
        body = docs.Problem(
            type="about:blank", title="Not Found", status=404, detail="NOPE is not watched", instance=""
        )
        return web.json_response({name: getattr(body, name) for name in body.__struct_fields__}, status=404)

    app = web.Application()
    app.add_routes([web.get("/api/stream", stream), web.get("/bars", bars), web.get("/problem", problem)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def heard(url: str, token: str | None) -> list[tuple[str, bytes]]:
    """Everything the stream says until it ends."""
    found: list[tuple[str, bytes]] = []

    async def listen() -> None:
        async with Client(url, token) as client:
            async for event in client.events():
                found.append(event)  # noqa: PERF401 - kept when the stream ends with an error

    with pytest.raises(VirtuosoError, match="the stream was ended"):
        await listen()
    return found


def test_an_event_has_a_name_and_data_and_a_comment_has_none() -> None:
    assert parsed(EVENT) == ("signals", b'{"signals":[]}')
    assert parsed(b": still here") is None
    assert parsed(b"retry: 2000") is None


@pytest.mark.parametrize("size", [1, 7, 10_000_000])
async def test_events_are_whole_however_they_are_cut(size: int) -> None:
    body = b"retry: 2000\n\n" + EVENT + b"\n\n: still here\n\nevent: ticks\nid: 1-3\ndata: {}\n\nevent: half"
    async with serving([body[i : i + size] for i in range(0, len(body), size)]) as url:
        assert await heard(url, "secret") == [("signals", b'{"signals":[]}'), ("ticks", b"{}")]


async def test_a_document_longer_than_any_line_buffer_comes_whole() -> None:
    async with serving([b"event: signals\ndata: " + LONG + b"\n\n"]) as url:
        assert await heard(url, "secret") == [("signals", LONG)]


async def test_without_the_token_it_says_how_to_give_one() -> None:
    async with serving([]) as url, Client(url, None) as client:
        with pytest.raises(UsageError, match="--token-file, or VIRTUOSO_TOKEN"):
            await anext(client.events())


async def test_documents_are_decoded_and_problems_told() -> None:
    async with serving([]) as url, Client(url, None) as client:
        assert (await client.ask("/bars", docs.Bars)).symbol == "BTCUSDT"
        with pytest.raises(VirtuosoError, match="not an answer of this version"):
            await client.ask("/bars", docs.Book)
        with pytest.raises(VirtuosoError, match="/problem: status 404: NOPE is not watched"):
            await client.body("/problem")
        with pytest.raises(VirtuosoError, match="/nothing: status 404"):
            await client.body("/nothing")


async def test_an_address_where_nothing_answers_names_the_next_step() -> None:
    async with Client("http://127.0.0.1:9", None) as client:
        with pytest.raises(VirtuosoError, match=r"cannot be reached: connection refused; start `virtuoso up`"):
            await client.body("/health")
    async with Client("http://me:secret@nohost.invalid", None) as client:
        with pytest.raises(VirtuosoError, match=r"^http://nohost.invalid \(--url\): .* no host of this name") as caught:
            await client.body("/health")
        assert "secret" not in str(caught.value)
    async with Client("desk", None) as client:
        with pytest.raises(UsageError, match="--url desk: is no address"):
            await client.body("/health")


def test_the_token_comes_from_one_place(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    assert token_of(None, file) == "secret"
    assert token_of("other", None) == "other"
    assert token_of(None, None) is None
    file.write_text(hash_of("secret"))
    for given, where in ((hash_of("secret"), "VIRTUOSO_TOKEN"), (None, str(file))):
        with pytest.raises(UsageError, match=f"{where}.*is the hash of a token, which lets nobody in"):
            token_of(given, None if given else file)
    with pytest.raises(UsageError, match="there is a token already"):
        token_of("other", file)
    with pytest.raises(UsageError, match="cannot be read"):
        token_of(None, tmp_path / "none")
