"""One request and what came of it, timed: an answer that does not come is a sample too."""

from typing import Any, Final

import aiohttp
import msgspec

from virtuoso.model.clock import Clock, iso
from virtuoso.model.text.failures import why_unreached
from virtuoso.operations.validate.samples import Sample

ANSWER_S: Final = 10.0
_LARGEST: Final = 32 * 1024 * 1024
_SOURCE: Final = "X-Virtuoso-Source"


class Asker:
    """Asks one server. A request never raises: what went wrong is said in the sample."""

    def __init__(self, session: aiohttp.ClientSession, url: str, clock: Clock, token: str | None = None) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._clock = clock
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(self, path: str, method: str = "GET") -> Sample:
        """Send one request and read the whole answer, within 10 s."""
        began_ns = self._clock.monotonic_ns()
        try:
            async with self._session.request(
                method, self._url + path, headers=self._headers, allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
            ) as answer:  # fmt: skip
                body = await _whole(answer)
                if method == "OPTIONS":
                    allowed = answer.headers.get("Allow", "")
                    return self._sample(path, began_ns, answer, len(body), allowed or None)
                return self._sample(path, began_ns, answer, len(body), _document(answer, body))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return self._failed(path, began_ns, error)

    async def first_event(self, path: str) -> Sample:
        """Open a stream of server-sent events, and read until the first one is whole."""
        began_ns = self._clock.monotonic_ns()
        try:
            async with self._session.get(
                self._url + path, headers=self._headers, timeout=aiohttp.ClientTimeout(total=ANSWER_S)
            ) as answer:
                body = b""
                while b"\n\n" not in body and len(body) < _LARGEST and (more := await answer.content.readany()):
                    body += more
                name = body.partition(b"event: ")[2].partition(b"\n")[0].decode("utf-8", "replace")
                return self._sample(path, began_ns, answer, len(body), {"event": name} if name else None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return self._failed(path, began_ns, error)

    def _sample(self, path: str, began_ns: int, answer: aiohttp.ClientResponse, size: int, body: Any) -> Sample:
        return Sample(
            at=self._now(), path=path, took_ms=self._took_ms(began_ns), status=answer.status,
            kind=answer.content_type, source=answer.headers.get(_SOURCE), size=size, body=body,
        )  # fmt: skip

    def _failed(self, path: str, began_ns: int, error: Exception) -> Sample:
        said = f"no answer within {ANSWER_S:g} s" if isinstance(error, TimeoutError) else why_unreached(error)
        return Sample(at=self._now(), path=path, took_ms=self._took_ms(began_ns), error=said)

    def _now(self) -> str:
        return iso(self._clock.now_ns() / 1e6) or ""

    def _took_ms(self, began_ns: int) -> float:
        return round((self._clock.monotonic_ns() - began_ns) / 1e6, 3)


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body; a `ValueError` where it is too large to be one of ours."""
    body = bytearray()
    async for block in answer.content.iter_any():
        body += block
        if len(body) > _LARGEST:
            raise ValueError(f"more than {_LARGEST} bytes")
    return bytes(body)


def _document(answer: aiohttp.ClientResponse, body: bytes) -> Any:
    """What the body says, where it is JSON; `None` where it is not."""
    if not answer.content_type.endswith("json"):
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
