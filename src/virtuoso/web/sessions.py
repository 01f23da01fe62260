"""Sessions of people: who gave a token at `/login` holds a signed cookie, which no process has to remember."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest, digest
from typing import Final

LASTS_S: Final = 7 * 86_400
"""How long a session lasts, seconds."""
_COOKIE: Final = "virtuoso_session"
_VALUE: Final = rb"(?P<said>(?P<role>read|operate)\.(?P<until>[0-9]{1,11}))\.(?P<mac>[0-9a-f]{64})"


class Role(StrEnum):
    """What a token allows its holder to do."""

    READ = "read"
    """To look at everything."""
    OPERATE = "operate"
    """To change something too: acknowledge, silence, send again."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who holds it may do what `role` allows until `until_s` (seconds of the epoch)."""

    role: Role
    until_s: int


class Sessions:
    """Signs and checks cookies by the key of each role.

    Cookies know no ports: with the `port` in its name the cookie of one web is not that of another on the same host.
    """

    def __init__(self, keys: Mapping[Role, bytes], port: int | None = None) -> None:
        self._keys = keys
        self.name = _COOKIE if port is None else f"{_COOKIE}_{port}"
        self._pattern = re.compile(rb"(?:^|;)\s*" + self.name.encode() + b"=" + _VALUE + rb"(?=\s*(?:;|$))")

    def cookie(self, session: Session, now_s: float, *, secure: bool) -> str:
        """The `Set-Cookie` that begins a session; `secure` where it is only to be sent over HTTPS."""
        said = f"{session.role}.{session.until_s}"
        mac = digest(self._keys[session.role], said.encode(), "sha256").hex()
        return self._set_cookie(f"{said}.{mac}", max(0, int(session.until_s - now_s)), secure=secure)

    def read(self, cookies: bytes | None) -> Session | None:
        """The session that a `Cookie` header holds, which may be over; `None` where it holds none of ours.

        Of several the one that lasts longest: whatever else this host serves may set a cookie of the same name.
        """
        found = map(self._checked, self._pattern.finditer(cookies or b""))
        return max((session for session in found if session is not None), key=lambda s: s.until_s, default=None)

    def _checked(self, found: re.Match[bytes]) -> Session | None:
        """What a cookie says, where it was signed here."""
        role = Role(found["role"].decode())
        key = self._keys.get(role)
        if key is None or not compare_digest(digest(key, found["said"], "sha256").hex().encode(), found["mac"]):
            return None
        return Session(role, int(found["until"]))

    def ending(self, *, secure: bool) -> str:
        """The `Set-Cookie` that ends a session in the browser that holds it."""
        return self._set_cookie("", 0, secure=secure)

    def _set_cookie(self, value: str, lasts_s: int, *, secure: bool) -> str:
        """No script may read it, and no other site has it sent, but for the links that lead here."""
        end = "; Secure" if secure else ""
        return f"{self.name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{end}"
