"""Tells which keys of the configuration a running monitor cannot take over, and which of them have changed."""

from collections.abc import Mapping
from hashlib import blake2b

from pydantic import BaseModel, SecretStr

from virtuoso.config import Settings

_APPLIED = (
    "alpha_scanning", "analysis.band", "cache.cleanup_interval", "monitoring", "smart_intervals", "universe",
    "websocket.stale_after",
)  # fmt: skip
"""Sections and keys that a reload takes over."""
_BUT = ("monitoring.alerts.keep", "monitoring.alerts.heartbeat", "monitoring.traces")
"""Keys in them that it does not."""
_POLLED = "monitoring.interval"
"""Where data is polled, what can be watched is counted by it."""


def fixed_keys(settings: Settings) -> dict[str, str]:
    """Fingerprint the keys that only a restart applies, by their path; no secret can be read from it."""
    polled = settings.market_data.mode == "poll" or settings.exchange.ccxt_id is not None
    return {
        path: value for path, value in _leaves(settings, "") if not _is_applied(path) or (polled and path == _POLLED)
    }


def changed_keys(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """List the keys whose values differ, in order."""
    return tuple(sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)))


def _is_applied(path: str) -> bool:
    return _is_in(path, _APPLIED) and not _is_in(path, _BUT)


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}.") for place in places)


def _leaves(value: object, path: str) -> list[tuple[str, str]]:
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping) and value:
        return [leaf for name, each in value.items() for leaf in _leaves(each, f"{path}.{name}" if path else str(name))]
    if isinstance(value, SecretStr):
        value = blake2b(value.get_secret_value().encode(), digest_size=16).hexdigest()
    return [(path, repr(value))]
