"""Sessions of people: who gave a token at `/login` holds a signed cookie, which no process has to remember."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import scrypt
from hmac import compare_digest, digest
from typing import Final

LASTS_S: Final = 7 * 86_400
"""How long a session lasts, seconds."""
COOKIE = "virtuoso_session"
_PATTERN = re.compile(rb"(?:^|;)\s*" + COOKIE.encode() + rb"=(?P<said>(?P<role>read|operate)\.(?P<until>[0-9]{1,11}))"
                     rb"\.(?P<mac>[0-9a-f]{64})(?=\s*(?:;|$))")  # fmt: skip
_COST: Final = 2**14
"""Of scrypt: whoever steals a cookie tries some twenty tokens a second with it, not millions."""


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
    """Signs and checks cookies. The key of a role comes of its token, so a changed token ends its sessions."""

    def __init__(self, tokens: Mapping[Role, bytes]) -> None:
        self._keys = {
            role: scrypt(token, salt=f"virtuoso session {role}".encode(), n=_COST, r=8, p=1, dklen=32)
            for role, token in tokens.items()
        }

    def cookie(self, session: Session, now_s: float, *, secure: bool) -> str:
        """The `Set-Cookie` that begins a session; `secure` where it is only to be sent over HTTPS."""
        said = f"{session.role}.{session.until_s}"
        mac = digest(self._keys[session.role], said.encode(), "sha256").hex()
        return _set_cookie(f"{said}.{mac}", max(0, int(session.until_s - now_s)), secure=secure)

    def read(self, cookies: bytes | None) -> Session | None:
        """The session that a `Cookie` header holds, which may be over; `None` where it holds none of ours.

        Of several the one that lasts longest: whatever else this host serves may set a cookie of the same name.
        """
        found = map(self._checked, _PATTERN.finditer(cookies or b""))
        return max((session for session in found if session is not None), key=lambda s: s.until_s, default=None)

    def _checked(self, found: re.Match[bytes]) -> Session | None:
        """What a cookie says, where it was signed here."""
        role = Role(found["role"].decode())
        key = self._keys.get(role)
        if key is None or not compare_digest(digest(key, found["said"], "sha256").hex().encode(), found["mac"]):
            return None
        return Session(role, int(found["until"]))


def ending(*, secure: bool) -> str:
    """The `Set-Cookie` that ends a session in the browser that holds it."""
    return _set_cookie("", 0, secure=secure)


def _set_cookie(value: str, lasts_s: int, *, secure: bool) -> str:
    """No script may read it, and no other site has it sent, but for the links that lead here."""
    end = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{end}"
