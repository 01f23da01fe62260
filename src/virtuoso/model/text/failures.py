"""Why a host was not reached or a file not read, in words for people: libraries name their parts, not what happened."""

import os
import socket
import ssl


def why_unreached(error: BaseException) -> str:
    """Say why a connection failed or ended, by the operating system's error wherever a library wrapped it."""
    cause = _cause(error)
    if isinstance(cause, socket.gaierror) or type(error).__name__ == "ClientConnectorDNSError":
        return "there is no host of this name, or no name service"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message or 'it cannot be verified'}"
    if isinstance(cause, ssl.SSLError):
        return "TLS cannot be spoken there"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ConnectionError) or type(error).__name__ == "ServerDisconnectedError":
        return "the connection was closed before the answer"
    if isinstance(cause, OSError) and cause.errno and cause.errno > 0:
        return os.strerror(cause.errno).lower()
    return str(error) or type(error).__name__


def why_unread(error: BaseException) -> str:
    """Say why a file was not read, without its name, which stands before it."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text (byte {error.start})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _cause(error: BaseException) -> BaseException:
    """The error that a client wrapped: aiohttp keeps it as `os_error`, others raise theirs from it."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    before = inner.__cause__ or inner.__context__
    wrapped = not isinstance(inner, OSError) or not inner.errno
    return before if wrapped and isinstance(before, OSError) else inner
