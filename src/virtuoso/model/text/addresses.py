"""Addresses of servers in texts for people."""

import re
from typing import Final

_USER: Final = re.compile(r"://[^/?#]*@")


def without_user(url: str) -> str:
    """An address as it may be shown: without a name and a password."""
    return _USER.sub("://", url)
