"""What an answer of Discord's means for the outbox: accepted, wait, never this message, never this address."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from virtuoso.delivery.channels.discord.text import clean
from virtuoso.delivery.channels.protocol import ChannelError, Gone, RateLimited, Rejected, Unreachable

_UNKNOWN_MESSAGE = 10008
_WAIT_UNTOLD_S = 60.0
"""For a 429 that says no time: the least that is polite."""
_LONGEST_S = 86_400.0
_SAID = 300


def wait_of(headers: Mapping[str, str]) -> float:
    """Seconds the server wants before the next request: not 0 only once its budget is used up."""
    if headers.get("X-RateLimit-Remaining") != "0":
        return 0.0
    return _seconds(headers.get("X-RateLimit-Reset-After")) or 0.0


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> ChannelError | None:
    """The error that an answer is, or `None` if it is a message accepted."""
    document = document_of(body)
    said = f"{status}{_said(document)}"
    if 200 <= status < 300:
        return None
    if status == 429:
        told = [_seconds(document.get("retry_after")), _seconds(headers.get("Retry-After"))]
        wait_s = max((one for one in told if one is not None), default=_WAIT_UNTOLD_S)
        everywhere = " everywhere" if document.get("global") is True else ""
        return RateLimited(f"Discord wants {wait_s:g} s without a request{everywhere} ({said})", wait_s)
    if status == 404 and document.get("code") == _UNKNOWN_MESSAGE:
        return Rejected(f"the message to be changed is no longer there ({said})")
    if status == 403 and "code" not in document:
        # Discord's own refusals carry a code: this is a firewall or a proxy, which may let the next one pass
        return Unreachable(f"something between here and Discord refuses ({said})")
    if status in {401, 403, 404, 410}:
        return Gone(f"Discord does not know this webhook, or no longer ({said}); make a new one and configure its URL")
    if status >= 500 or status < 400 or status == 408:
        return Unreachable(f"Discord does not serve now ({said})")
    return Rejected(f"Discord refuses the message ({said})")


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty if there is none."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _said(document: dict[str, Any]) -> str:
    """Discord's words, with the first places that it found wrong."""
    message, code = document.get("message"), document.get("code")
    parts = [str(message)] if message else []
    parts += [f"code {code}"] if isinstance(code, int) and code else []
    parts += list(_places(document.get("errors"), ""))[:3]
    return ": " + clean(", ".join(parts), _SAID) if parts else ""


def _places(errors: Any, at: str, depth: int = 0) -> list[str]:
    if not isinstance(errors, dict) or depth > 8:
        return []
    found = []
    for name, inner in errors.items():
        if name == "_errors" and isinstance(inner, list):
            found += [f"{at} {one.get('message')}" for one in inner if isinstance(one, dict)]
        else:
            found += _places(inner, f"{at}.{name}".lstrip("."), depth + 1)
    return found


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return min(seconds, _LONGEST_S) if math.isfinite(seconds) and seconds >= 0 else None
