"""Layers merged into one mapping, each value knowing where it came from: files in order, then the environment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from virtuoso.config.document import Document, KeyPath, read, scalar
from virtuoso.model.errors import ConfigError

PREFIX = "VIRTUOSO__"
SECRETS = frozenset(
    {"token", "password", "redis_url", "url", "secret", "discord_webhook_url", "system_alerts_webhook_url"}
)
"""Keys whose values are texts, whatever they look like."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(slots=True)
class Layers:
    """The merged data, and the origin of each given key path: `file:line` or an environment variable."""

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> str | None:
        """Where a key, or else the nearest section above it, was given; `None` for a default."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path[:-1]
        return None


def merge(paths: Sequence[Path], environment: Mapping[str, str]) -> Layers:
    """All layers, later ones winning key by key.

    Raises:
        ConfigError: a file cannot be used, a `${VAR}` is unset, or a value of the environment is not YAML.
    """
    layers = Layers()
    for path in paths:
        document = read(path)
        _add_mapping(layers, layers.data, document.data, (), document, environment)
    for name in sorted(environment):
        if name.upper().startswith(PREFIX):
            _add_variable(layers, name, environment[name])
    return layers


def _add_mapping(
    layers: Layers, target: dict[str, Any], data: dict[str, Any], path: KeyPath, document: Document,
    environment: Mapping[str, str],
) -> None:  # fmt: skip
    for key, value in data.items():
        here = (*path, key)
        place = f"{document.name}:{document.lines[here]}"
        layers.origins[here] = place
        if isinstance(value, dict):
            inner = target.get(key)
            target[key] = inner = inner if isinstance(inner, dict) else {}
            _add_mapping(layers, inner, value, here, document, environment)
        else:
            target[key] = _filled(value, f"{place}: {'.'.join(here)}", environment)


def _filled(value: Any, place: str, environment: Mapping[str, str]) -> Any:
    """A value with its `${VAR}`s put in; a text that had any is read as YAML again."""
    if isinstance(value, list):
        return [_filled(item, place, environment) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def put(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name in environment:
            return environment[name]
        if default is None:
            raise ConfigError(
                f"{place}: ${{{name}}} is not set in the environment; set it, or write ${{{name}:-default}}"
            )
        return str(default)

    text = _VARIABLE.sub(put, value)
    if place.rpartition(".")[2] in SECRETS and text:
        return text  # a token of digits is no number
    try:
        return scalar(text)
    except yaml.YAMLError:
        return text


def _add_variable(layers: Layers, name: str, text: str) -> None:
    path = tuple(part.lower() for part in name[len(PREFIX) :].split("__"))
    target = layers.data
    for key in path[:-1]:
        inner = target.get(key)
        target[key] = inner = inner if isinstance(inner, dict) else {}
        target = inner
    try:
        target[path[-1]] = text if path[-1] in SECRETS and text else scalar(text)
    except yaml.YAMLError:
        raise ConfigError(f"{name}: cannot be read as a YAML value") from None
    for given in [given for given in layers.origins if given[: len(path)] == path]:
        del layers.origins[given]
    layers.origins[path] = name
