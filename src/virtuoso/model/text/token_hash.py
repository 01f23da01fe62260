"""Tokens as they may stand in a configuration: by their hash, from which nobody finds the token."""

import re
from hashlib import sha256
from typing import Final

SHORTEST: Final = 16
"""Characters of a token, at least: a shorter one can be guessed, from its hash too."""
PREFIX: Final = "sha256:"
_HASH: Final = re.compile(PREFIX + "[0-9a-f]{64}")


def hash_of(token: str) -> str:
    """Hash a token: `sha256:` and 64 hex digits; a hash is its own.

    No salt and no slow function: they help a text that people choose, and what has 256 random bits needs neither.
    """
    return token if is_hash(token) else PREFIX + sha256(token.encode()).hexdigest()


def is_hash(text: str) -> bool:
    """Say whether a text is the hash of a token."""
    return _HASH.fullmatch(text) is not None
