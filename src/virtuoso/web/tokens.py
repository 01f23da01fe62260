"""What the web knows of a right token: its hash, and the key that signs the sessions of whoever gave it."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import scrypt, sha256
from hmac import compare_digest, digest
from typing import Final

from virtuoso.model.text.token_hash import PREFIX, hash_of, is_hash
from virtuoso.web.sessions import Role

_COST: Final = 2**14
"""Of scrypt: whoever steals a cookie tries some twenty tokens a second with it, not millions."""


@dataclass(frozen=True, slots=True)
class RightToken:
    """A token that lets in; the token itself is not kept."""

    hashed: bytes
    key: bytes

    @classmethod
    def of(cls, role: Role, text: str, secret: Callable[[], bytes]) -> "RightToken":
        """Know a token, or the hash of one, by what stands in the configuration.

        The key comes of the token, so a changed token ends its sessions. Where only its hash is known the key comes of
        a `secret` too: whoever reads the hash could sign sessions else.
        """
        hashed = bytes.fromhex(hash_of(text).removeprefix(PREFIX))
        salt = f"virtuoso session {role}".encode()
        if is_hash(text):
            return cls(hashed, digest(secret(), salt + hashed, "sha256"))
        return cls(hashed, scrypt(text.encode(), salt=salt, n=_COST, r=8, p=1, dklen=32))

    def is_given(self, token: bytes) -> bool:
        """Compare what is given with it; the time tells nothing of it."""
        return compare_digest(sha256(token).digest(), self.hashed)
