"""Headers that every answer carries, and who may be asked."""

import re

Headers = list[tuple[bytes, bytes]]

CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"manifest-src 'self'; worker-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NOSNIFF = (b"x-content-type-options", b"nosniff")
"""All that a JSON document needs: it is never taken for a page."""
SECURITY: Headers = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY),
    NOSNIFF,
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{0,5})?")


def host_of(value: bytes) -> bytes | None:
    """The name in a Host header, without its port; `None` when it is not a name with at most a port."""
    found = _HOST.fullmatch(value)
    return None if found is None else found[1]
