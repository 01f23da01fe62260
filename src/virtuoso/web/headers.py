"""Headers that every answer carries, and who may be asked."""

Headers = list[tuple[bytes, bytes]]

CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
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


def host_of(value: bytes) -> bytes:
    """The name in a Host header, without its port."""
    if value.startswith(b"["):
        return value.partition(b"]")[0] + b"]"
    return value.partition(b":")[0]
