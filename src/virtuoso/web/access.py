"""Who may ask what: hosts and origins that are ours, tokens and sessions; wrong tokens are slowed down and counted."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from virtuoso.web.addresses import is_page
from virtuoso.web.headers import host_of
from virtuoso.web.sessions import LASTS_S, Role, Session, Sessions
from virtuoso.web.tokens import RightToken

Refusal = tuple[int, str, str]
"""Status, title, detail."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ONCE = frozenset({b"host", b"authorization", b"origin", b"cookie"})
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 4.0
_ADDRESSES: Final = 1_000
_DELAYED: Final = 256
_OPEN_PATHS = frozenset({"/health/live", "/api/session"})
_UNSIGNED = "a bearer token is required, or the session that `/login` begins"


def is_open(path: str) -> bool:
    """Whether a path is served without a token: pages, which hold no data, and what says that the process answers."""
    return path in _OPEN_PATHS or is_page(path)


@dataclass(slots=True)
class Wrong:
    """How many wrong tokens were given to this process since its start, and by whom last."""

    count: int = 0
    client: str = ""


class Delays:
    """How long a client waits that gave a wrong token: twice as long each time, for the last 1,000 addresses.

    So many as 256 wait at once; more are not answered later, but at once and with 429.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._waiting = 0

    async def wait(self, address: str) -> bool:
        """Wait after a failure; `False` when there is no room to."""
        failures = self._failures.pop(address, 0)
        self._failures[address] = failures + 1
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)
        if self._waiting >= _DELAYED:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures, 10)))
        finally:
            self._waiting -= 1
        return True

    def forget(self, address: str) -> None:
        """Forget the wrong tokens of an address, because it gave the right one."""
        self._failures.pop(address, None)


class Access:
    """Judges requests. A token is required when one is given: `token` may do everything, `read_token` may look.

    Args:
        allowed_hosts: names that requests may be addressed to.
        token, read_token: each as it is, or its hash.
        secret: what sessions are signed by where a token is known by its hash alone; asked for only then.
        port: that is listened on, where others may be on this host.
    """

    def __init__(
        self, allowed_hosts: Iterable[str], token: str | None, read_token: str | None = None, *,
        secret: Callable[[], bytes] = token_bytes, port: int | None = None,
    ) -> None:  # fmt: skip
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._known_hosts: set[bytes] = set()
        given = {Role.OPERATE: token, Role.READ: read_token}
        self._tokens = {role: RightToken.of(role, text, secret) for role, text in given.items() if text is not None}
        self._sessions = Sessions({role: right.key for role, right in self._tokens.items()}, port)
        self._delays = Delays()
        self.wrong = Wrong()

    @property
    def required(self) -> bool:
        """Whether a request needs a token."""
        return bool(self._tokens)

    def known(self, host: bytes) -> bool:
        """Whether a plain reading request to this host needs no look."""
        return not self._tokens and host in self._known_hosts

    def refusal(self, method: str, headers: Sequence[tuple[bytes, bytes]]) -> Refusal | None:
        """Why a request is not served, but for its token: no host or several, not ours, another site that writes."""
        given = dict(headers)
        if len(given) < len(headers):
            names = [name for name, _ in headers if name in _ONCE]
            if len(names) > len(set(names)):
                return 400, "Bad Request", "Host, Origin, Cookie and Authorization may be given once"
        host = given.get(b"host", b"")
        if host not in self._known_hosts:
            name = host_of(host)
            if name is None:
                return 400, "Bad Request", "the Host header must be a name, or a name and a port"
            if name.lower() not in self._hosts:
                return 421, "Misdirected Request", "this host name is not in web.allowed_hosts"
            if len(self._known_hosts) < 100:  # ports make many spellings: keep a few
                self._known_hosts.add(host)
        origin = given.get(b"origin")
        if method not in _READING and origin not in (None, b"http://" + host, b"https://" + host):
            return 403, "Forbidden", "requests that change something must come from this site"
        return None

    async def stranger(
        self, method: str, path: str, headers: Mapping[bytes, bytes], address: str, now_s: float
    ) -> Refusal | None:
        """Why a request is not served for its token or session; after a while, when a wrong token was given."""
        if not self._tokens or is_open(path):
            return None
        token = _bearer(headers)
        if token is not None:
            role = self._role_of(token)
            if role is None:
                return await self._wrong_token(address)
            self._delays.forget(address)
        else:
            session = self._sessions.read(headers.get(b"cookie"))
            if session is None:
                return 401, "Unauthorized", _UNSIGNED
            if session.until_s <= now_s:
                return 401, "Unauthorized", "the session is over; log in again"
            # A browser sends a cookie for whoever asks it to, and always says who that is where something changes.
            if method not in _READING and b"origin" not in headers:
                return 403, "Forbidden", "with a session, requests that change something must say their Origin"
            role = session.role
        if method not in _READING and role is not Role.OPERATE:
            return 403, "Forbidden", "this token may only read; web.token may change something too"
        return None

    async def log_in(self, token: str, address: str, now_s: float) -> Session | Refusal:
        """Begin a session for a token; after a while, and not, when it is a wrong one."""
        role = self._role_of(token.strip().encode())
        if role is None:
            return await self._wrong_token(address)
        self._delays.forget(address)
        return Session(role, int(now_s) + LASTS_S)

    def cookie(self, session: Session, now_s: float, *, secure: bool) -> str:
        """The `Set-Cookie` of a session that began here."""
        return self._sessions.cookie(session, now_s, secure=secure)

    def ending(self, *, secure: bool) -> str:
        """The `Set-Cookie` that ends a session."""
        return self._sessions.ending(secure=secure)

    @property
    def cookie_name(self) -> str:
        """What the cookie of a session is called."""
        return self._sessions.name

    def session(self, cookies: bytes | None, now_s: float) -> Session | None:
        """The session in force that a `Cookie` header holds; it counts where no bearer token is given."""
        found = self._sessions.read(cookies)
        return None if found is None or found.until_s <= now_s else found

    def left_s(self, headers: Mapping[bytes, bytes], now_s: float) -> float | None:
        """How long the session lasts (s) by which a request is served; `None` where it is served without one."""
        if not self._tokens or _bearer(headers) is not None:
            return None
        session = self.session(headers.get(b"cookie"), now_s)
        return 0.0 if session is None else session.until_s - now_s

    def _role_of(self, token: bytes) -> Role | None:
        """What a token allows; all are compared, so that the time tells nothing."""
        matching = [role for role, right in self._tokens.items() if right.is_given(token)]
        return matching[0] if matching else None

    async def _wrong_token(self, address: str) -> Refusal:
        self.wrong.count += 1
        self.wrong.client = address
        if not await self._delays.wait(address):
            return 429, "Too Many Requests", "too many wrong tokens are being given; try again later"
        return 401, "Unauthorized", "this is not the token"


def _bearer(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The token that a request bears; another scheme is for a proxy before this, whose log-in a browser sends on."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None
