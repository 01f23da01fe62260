"""Notices as JSON to any web address, signed, for other programs to act on. The body is in docs/channels.md."""

import asyncio
import hmac
import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
import msgspec

from virtuoso.delivery.channels.hosts import PublicResolver, RefusedAddressError
from virtuoso.delivery.channels.plain import cut, moment
from virtuoso.delivery.channels.protocol import ChannelError, Gone, RateLimited, Rejected, Sent, Unreachable
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.notice import Notice, delivery_id
from virtuoso.model.errors import ConfigError

_LIMIT_S = 10.0
_CONNECT_S = 5.0
_REDIRECTS = 3
_KEPT = frozenset({307, 308})
"""Redirects that keep method and body."""
_GONE = frozenset({401, 403, 404, 410})
_LATER = frozenset({408, 425})
_WAIT_S, _LONGEST_WAIT_S = 60.0, 86_400.0
_TITLE, _TEXT, _NAME = 500, 4_000, 200


@dataclass(frozen=True, slots=True)
class Message:
    """A body, and the id that is the same whenever this is sent again."""

    body: bytes
    delivery: str
    repeat: bool


class Webhook:
    """POSTs to one address; redirects are followed to allowed hosts alone, names of private addresses are refused."""

    def __init__(self, spec: ChannelSpec) -> None:
        self.name = spec.name
        self.fingerprint = spec.fingerprint
        self._spec = spec
        self._url = spec.url or ""
        self._hosts = frozenset(host.lower() for host in spec.allowed_hosts) or {_host(self._url)}
        self._session: aiohttp.ClientSession | None = None

    def validate(self) -> None:
        """Check options and address; raises `ConfigError` if it is no HTTP address or its host is not allowed."""
        self._spec.check_options("private")
        key, host = self._spec.key, _host(self._url)
        if not host or urlsplit(self._url).scheme not in {"http", "https"}:
            raise ConfigError(f"{key}.url = ***: must be an address such as https://host/path")
        if host not in self._hosts:
            hosts = ", ".join(sorted(self._hosts))
            raise ConfigError(f"{key}.url = ***: its host {host} is not in allowed_hosts ({hosts}); add it there")

    def render(self, notice: Notice, *, repeat: bool) -> Message:
        """The JSON, every text cut to a length that receivers can rely on."""
        delivery = delivery_id(notice.id, self.name)
        document = _document(notice) | {"version": 1, "delivery": delivery, "repeat": repeat}
        return Message(json.dumps(document, separators=(",", ":")).encode(), delivery, repeat)

    async def send(self, message: Message) -> Sent:
        """POST `message`; raises `Unreachable` if that takes longer than 10 s."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await self._post(message)
        except TimeoutError:
            raise Unreachable(f"{_host(self._url)} did not answer in {_LIMIT_S:g} s", maybe_sent=True) from None

    async def close(self) -> None:
        """Close the HTTP session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, message: Message) -> Sent:
        url = self._url
        for _ in range(_REDIRECTS + 1):
            status, headers = await self._request(url, message)
            if not 300 <= status < 400:
                return self._judged(status, headers)
            url = self._redirected(url, status, headers)
        raise Rejected(f"{_host(url)} redirects more than {_REDIRECTS} times")

    async def _request(self, url: str, message: Message) -> tuple[int, Any]:
        host = _host(url)
        try:
            async with self._opened().post(
                url, data=message.body, headers=self._headers(message), allow_redirects=False
            ) as answer:
                return answer.status, answer.headers
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if isinstance(getattr(error, "os_error", None), RefusedAddressError):
                raise Rejected(
                    f"{host} is a name for private addresses; options: {{private: true}} would allow it"
                ) from None
            raise Unreachable(f"{host} cannot be reached: {_reason(error)}") from None
        except aiohttp.InvalidURL:
            raise Rejected(f"{host} is no host that can be asked") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{host} did not answer: {_reason(error)}", maybe_sent=True) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = None if self._spec.options.get("private") is True else PublicResolver()
            connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=1)
            timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_S)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session

    def _headers(self, message: Message) -> dict[str, str]:
        at = str(self._spec.clock.now_ns() // 1_000_000_000)
        headers = {
            "Content-Type": "application/json", "User-Agent": "virtuoso", "X-Virtuoso-Timestamp": at,
            "X-Virtuoso-Delivery": message.delivery, "X-Virtuoso-Repeat": str(message.repeat).lower(),
        }  # fmt: skip
        if self._spec.secret is not None:
            signed = hmac.digest(self._spec.secret.encode(), f"{at}.".encode() + message.body, "sha256")
            headers["X-Virtuoso-Signature"] = f"sha256={signed.hex()}"
        return headers

    def _redirected(self, url: str, status: int, headers: Any) -> str:
        there = urljoin(url, str(headers.get("Location", "")))
        target = _split(there)
        safe = target.scheme == "https" or target.scheme == _split(url).scheme
        if status not in _KEPT or target.hostname not in self._hosts or not safe:
            raise Rejected(
                f"{_host(url)} redirects ({status}) to {target.hostname or 'nowhere'}, which is not followed"
            )
        return there

    def _judged(self, status: int, headers: Any) -> Sent:
        host = _host(self._url)
        if status < 300:
            return Sent()
        if status == 429 or (status >= 500 and "Retry-After" in headers):
            raise RateLimited(f"{host} says {status}: not now", self._wait_s(headers.get("Retry-After")))
        if status >= 500 or status in _LATER:
            raise Unreachable(f"{host} says {status}")
        error: type[ChannelError] = Gone if status in _GONE else Rejected
        raise error(f"{host} says {status}")

    def _wait_s(self, text: str | None) -> float:
        """What `Retry-After` says, in seconds or as a date; between a second and a day."""
        wait = _WAIT_S
        try:
            if text is not None and text.strip().isdecimal():
                wait = float(text)
            elif text is not None:
                wait = parsedate_to_datetime(text).timestamp() - self._spec.clock.now_ns() / 1e9
        except ValueError:
            wait = _WAIT_S
        return min(max(wait, 1.0), _LONGEST_WAIT_S)


def make(spec: ChannelSpec) -> Webhook:
    """Make the channel from its configuration; the entry point `virtuoso.channels` names this function."""
    return Webhook(spec)


def _document(notice: Notice) -> dict[str, Any]:
    symbol = None if notice.symbol is None else cut(notice.symbol, _NAME)
    lines = [
        {
            "id": line.id, "kind": line.kind, "severity": line.severity, "message": cut(line.message, _TITLE),
            "symbol": None if line.symbol is None else cut(line.symbol, _NAME), "fired_at": moment(line.fired_ms),
            "resolved_at": None if line.resolved_ms is None else moment(line.resolved_ms),
        }
        for line in notice.lines
    ]  # fmt: skip
    return {
        "notice": notice.id, "amends": notice.amends, "role": notice.role, "severity": notice.severity,
        "kind": notice.kind, "symbol": symbol, "system": notice.system, "title": cut(notice.title, _TITLE),
        "text": cut(notice.text, _TEXT), "at": moment(notice.at_ms),
        "resolved_at": None if notice.resolved_ms is None else moment(notice.resolved_ms),
        "labels": {cut(key, _NAME): cut(value, _NAME) for key, value in notice.labels.items()},
        "lines": lines, "incidents": list(notice.incidents), "more": notice.more, "link": notice.link,
        "signal_link": notice.signal_link,
        "context": msgspec.to_builtins(notice.context),
    }  # fmt: skip


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _host(url: str) -> str:
    return (_split(url).hostname or "").lower()


def _reason(error: Exception) -> str:
    """Without the address, which is a secret."""
    cause = getattr(error, "os_error", None) or error
    return getattr(cause, "strerror", None) or type(cause).__name__
