"""Types of channels, by entry point: those of this package, and those of any other that is installed."""

import difflib
from importlib.metadata import EntryPoint, entry_points

from virtuoso.delivery.channels.protocol import Channel
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.errors import ConfigError

GROUP = "virtuoso.channels"
"""An entry point of this group names a type; it is called with a `ChannelSpec` and returns a `Channel`."""


def types() -> list[str]:
    """Names of all types that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def make(kind: str, spec: ChannelSpec) -> Channel:
    """A channel of a type, validated.

    Raises:
        ConfigError: there is no such type, it cannot be loaded, or the channel is configured wrongly.
    """
    point = _find(kind, spec.key)
    try:
        factory = point.load()
    except Exception as error:
        raise ConfigError(
            f"{spec.key}.type = {kind}: cannot be loaded from {point.value}: {type(error).__name__}: {error}"
        ) from error
    try:
        channel: Channel = factory(spec)
        channel.validate()
    except ConfigError:
        raise
    except Exception as error:  # of another's package: whatever it raises says that it is configured wrongly
        raise ConfigError(f"{spec.key}: {type(error).__name__}: {error}") from error
    return channel


def _find(kind: str, key: str) -> EntryPoint:
    by_value = {point.value: point for point in entry_points(group=GROUP, name=kind)}
    if len(by_value) > 1:
        raise ConfigError(f"{key}.type = {kind}: is offered by {' and by '.join(sorted(by_value))}; uninstall one")
    for point in by_value.values():
        return point
    known = types()
    near = difflib.get_close_matches(kind, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise ConfigError(f"{key}.type = {kind}: there is no such type of channel; {hint}")
