"""A client of a running Virtuoso: documents asked for, and the stream of server-sent events."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

import aiohttp
import msgspec

from virtuoso.model.documents import Problem
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.model.text.addresses import without_user
from virtuoso.model.text.failures import why_unreached, why_unread
from virtuoso.model.text.token_hash import is_hash

_T = TypeVar("_T")
_ANSWER_S = 10.0
_SILENT_S = 25.0
"""The stream says that it is alive every 10 s."""
_LARGEST = 32 * 1024 * 1024


class Client:
    """Asks one address. Every call may raise `VirtuosoError`, whose one line says what to do next.

    `origin` is where the address came from, for people; `url` is the address as it may be shown, without a password.
    """

    def __init__(self, url: str, token: str | None, origin: str = "--url") -> None:
        self._address = url.rstrip("/")
        self.url = without_user(self._address)
        self._origin = origin
        self._headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def body(self, path: str) -> bytes:
        """Get the document at `path` and return its bytes."""
        return await self.send("GET", path)

    async def send(self, method: str, path: str, document: msgspec.Struct | None = None) -> bytes:
        """Ask for something to be done, with a document where it takes one; the bytes of the answer."""
        try:
            async with self._request(method, path, aiohttp.ClientTimeout(total=_ANSWER_S), document) as answer:
                body = await answer.read()
                self._check(answer.status, path, body)
                return body
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def ask(self, path: str, kind: type[_T]) -> _T:
        """Get the document at `path` and decode it as `kind`."""
        body = await self.body(path)
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise VirtuosoError(f"{self.url}{path}: not an answer of this version of Virtuoso: {error}") from error

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Name and document of each server-sent event, until the connection ends, which raises."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER_S, sock_read=_SILENT_S)
        try:
            async with self._request("GET", "/api/stream", timeout) as answer:
                self._check(answer.status, "/api/stream", b"")
                held = b""
                async for chunk in answer.content.iter_any():
                    *complete, held = (held + chunk).split(b"\n\n")
                    for event in complete:
                        if (found := parsed(event)) is not None:
                            yield found
                    if len(held) > _LARGEST:
                        raise VirtuosoError(f"{self.url}/api/stream: an event of more than {_LARGEST} bytes")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error
        raise VirtuosoError(f"{self.url}: the stream was ended")

    def _request(
        self, method: str, path: str, timeout: aiohttp.ClientTimeout, document: msgspec.Struct | None = None
    ) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            raise RuntimeError("the client is used inside `async with`")
        body = None if document is None else msgspec.json.encode(document)
        headers = {} if document is None else {"content-type": "application/json"}
        return self._session.request(
            method, self._address + path, data=body, headers=headers, timeout=timeout, allow_redirects=False
        )

    def _check(self, status: int, path: str, body: bytes) -> None:
        if 200 <= status < 300:
            return
        if status == 401:
            raise UsageError(f"{self.url}: a token is required; give --token-file, or VIRTUOSO_TOKEN")
        detail = ""
        with suppress(msgspec.DecodeError):
            detail = f": {msgspec.json.decode(body, type=Problem).detail}"
        raise VirtuosoError(f"{self.url}{path}: status {status}{detail}")

    def _unreachable(self, error: Exception) -> VirtuosoError:
        reason = why_unreached(error)
        if isinstance(error, aiohttp.InvalidURL):
            return UsageError(f"{self._origin} {self.url}: is no address; one is localhost:8002")
        if isinstance(error, aiohttp.ClientSSLError):
            reason += "; a plain Virtuoso is asked by http://"
        return VirtuosoError(
            f"{self.url} ({self._origin}): cannot be reached: {reason}; start `virtuoso up`, or name another address "
            "with --url or VIRTUOSO_URL"
        )


def parsed(event: bytes) -> tuple[str, bytes] | None:
    """Name and data of one event; `None` for a comment."""
    name = data = b""
    for line in event.split(b"\n"):
        field, _, value = line.partition(b": ")
        if field == b"event":
            name = value
        elif field == b"data":
            data = value
    return (name.decode(), data) if name and data else None


def token_of(token: str | None, file: Path | None) -> str | None:
    """The token given, or that in the file.

    Raises:
        UsageError: both are given, the file cannot be read, or it is the hash of a token.
    """
    if file is not None:
        if token is not None:
            raise UsageError(
                "--token-file: there is a token already; give one of --token (VIRTUOSO_TOKEN), --token-file"
            )
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {file}: cannot be read: {why_unread(error)}") from error
    if token is not None and is_hash(token):
        origin = "--token (VIRTUOSO_TOKEN)" if file is None else f"--token-file {file}"
        raise UsageError(f"{origin}: is the hash of a token, which lets nobody in; give the token itself")
    return token
