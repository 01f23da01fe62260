"""The socket that the web listens on."""

import socket

from virtuoso.model.errors import UsageError

_BACKLOG = 2_048
_UNDELIVERED_MS = 20_000
"""What a client does not acknowledge for so long is given up by the kernel, also after this side has closed.

Accepted connections inherit it. The send buffer is left to the kernel: a fixed one would slow large documents down on
long paths, and `stalled.py` notices a client that does not read long before its buffers are full.
"""


def listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything else is begun; 0 takes a free one.

    Raises:
        UsageError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNDELIVERED_MS)
    try:
        sock.bind((host.strip("[]"), port))
        sock.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # a name that cannot be one is the latter
        sock.close()
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"web.port = {port}: cannot listen on {host}:{port}: {reason}; choose another port") from error
    sock.settimeout(0.0)
    return sock
