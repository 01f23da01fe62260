"""HTTP with an InfluxDB server: post lines, create the database, ask by InfluxQL."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import msgspec

from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.text.failures import why_unreached

_REASON_BYTES = 4_096
_REASON_CHARS = 300
_CHUNK_ROWS = 10_000
_NOT_THERE = 404


class Refused(Exception):
    """The server answers and does not take these lines (HTTP 400, 413, 422); the message is its reason."""


class InfluxClient:
    """One server and database (1.x) or bucket (2.x).

    Args:
        url: such as `http://influxdb:8086`.
        version: 1 posts to `/write`, 2 to `/api/v2/write`.
        database: the database, or the bucket.
        org: of the bucket (version 2).
        token: sent as `Authorization: Token …` (version 2).
        username: with `password` (version 1); `None` sends none.
        password: see `username`.
        timeout_s: of each request, all in all.
    """

    def __init__(
        self,
        *,
        url: str,
        version: Literal[1, 2],
        database: str,
        org: str | None,
        token: str | None,
        username: str | None,
        password: str | None,
        timeout_s: float,
    ) -> None:
        self.version = version
        self._url = url.rstrip("/")
        self._database = database
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(timeout_s, 5.0))
        self._headers: dict[str, str] = {}
        if version == 2 and token:
            self._headers["Authorization"] = f"Token {token}"
        elif version == 1 and username:
            self._headers["Authorization"] = aiohttp.encode_basic_auth(username, password or "")
        where = {"db": database} if version == 1 else {"org": org or "", "bucket": database}
        self._write = ("/write" if version == 1 else "/api/v2/write", {**where, "precision": "ms"})
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> None:
        """Post gzip'd lines; a database that is not there is created.

        Raises:
            Refused: not these lines.
            StoreUnavailable: no answer within the time-out, or one that says neither yes nor no to these lines.
        """
        status, reason = await self._post(body)
        if status == _NOT_THERE and self.version == 1:
            await self.create()
            status, reason = await self._post(body)
        if status == 204:
            return
        if status in {400, 413, 422}:
            raise Refused(f"HTTP {status}: {reason}")
        raise StoreUnavailable(self._complaint(status, reason))

    async def create(self) -> None:
        """Create the database of a 1.x server, unless it is there; of a 2.x server, ask whether it is well.

        Raises:
            StoreUnavailable: no answer, or not to this user; one who may only write finds out when writing.
        """
        if self.version == 2:
            async with self._request("GET", "/health") as answer:
                if answer.status >= 500:
                    raise StoreUnavailable(self._complaint(answer.status, await _reason(answer)))
            return
        name = self._database.replace("\\", "\\\\").replace('"', '\\"')
        async with self._request("POST", "/query", data={"q": f'CREATE DATABASE "{name}"'}) as answer:
            if answer.status not in {200, 403}:
                raise StoreUnavailable(self._complaint(answer.status, await _reason(answer)))

    async def query(self, text: str) -> AsyncGenerator[bytes, None]:
        """The documents of the answer to a query, each of at most 10,000 rows, with times in ms.

        Raises:
            StoreUnavailable: no answer within the time-out, or not one to a query.
        """
        form = {
            "db": self._database, "epoch": "ms", "chunked": "true", "chunk_size": str(_CHUNK_ROWS), "q": text,
        }  # fmt: skip
        async with self._request("POST", "/query", data=form) as answer:  # a query may be too long for an address
            if answer.status != 200:
                raise StoreUnavailable(self._complaint(answer.status, await _reason(answer)))
            rest = b""
            async for piece in answer.content.iter_any():
                *documents, rest = (rest + piece).split(b"\n")
                for document in documents:
                    yield document
            if rest:
                yield rest

    async def close(self) -> None:
        """Close the HTTP session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: bytes) -> tuple[int, str]:
        path, parameters = self._write
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        async with self._request("POST", path, params=parameters, data=body, headers=headers) as answer:
            return answer.status, "" if answer.status == 204 else await _reason(answer)

    @asynccontextmanager
    async def _request(self, method: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers)
        try:
            async with self._session.request(method, self._url + path, allow_redirects=False, **options) as answer:
                yield answer
        except TimeoutError as error:
            raise StoreUnavailable(
                f"InfluxDB at {self._url} did not answer within {self._timeout.total:g} s"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise StoreUnavailable(f"InfluxDB at {self._url}: {why_unreached(error)}") from error

    def _complaint(self, status: int, reason: str) -> str:
        what = "database" if self.version == 1 else "organisation or bucket"
        hint = {
            401: "; check the token, or the user and password",
            403: f"; the user or token may not write to {self._database!r}",
            _NOT_THERE: f"; check that the {what} {self._database!r} is there, and the version of the server",
        }.get(status, "")
        return f"InfluxDB at {self._url}: HTTP {status}: {reason or 'no reason given'}{hint}"


async def _reason(answer: aiohttp.ClientResponse) -> str:
    """What the server says, in one line of bounded length."""
    raw = await answer.content.read(_REASON_BYTES)
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    said = document.get("error") or document.get("message") if isinstance(document, dict) else None
    return " ".join(str(said or raw.decode(errors="replace")).split())[:_REASON_CHARS]
