"""Layers merged into one mapping, each value knowing where it came from: files in order, then the environment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from virtuoso.config.credentials import with_credentials
from virtuoso.config.document import Document, read, scalar
from virtuoso.config.hints import PREFIX
from virtuoso.config.keys import is_section
from virtuoso.config.section import KeyPath
from virtuoso.model.errors import ConfigError

SECRETS = frozenset({
    "token", "read_token", "password", "redis_url", "url", "secret", "discord_webhook_url", "system_alerts_webhook_url",
})  # fmt: skip
"""Keys whose values are texts, whatever they look like."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(slots=True)
class Layers:
    """The merged data, and of each key path that was given its origin: `file:line` or an environment variable.

    `texts` says how a value is written that YAML takes for something else than a text. `mistakes` tells what could not
    be used, `left_out` where it would have stood: at `()` a whole file.
    """

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    left_out: list[KeyPath] = field(default_factory=list)

    def origin(self, path: KeyPath) -> str | None:
        """Where exactly this key was given; `None` for a default."""
        return self.origins.get(path)

    def place(self, path: KeyPath) -> str | None:
        """Where a mistake is: at the key, else at the nearest section above it, or at what was given in that last."""
        while path:
            if path in self.origins:
                return self.origins[path]
            if inside := [origin for given, origin in self.origins.items() if given[: len(path)] == path]:
                return inside[-1]
            path = path[:-1]
        return None

    def put(self, path: KeyPath, value: Any, origin: str) -> None:
        """Let a value win over what earlier layers gave: a section key by key, anything else as a whole.

        A section without keys is one all the same: all that was in it may be commented out.
        """
        target = self.data
        for depth, key in enumerate(path[:-1], 1):
            if not isinstance(target.get(key), dict):
                self._forget(path[:depth])
                target[key] = {}
            target = target[key]
        if value is None and is_section(path):
            value = {}
        if isinstance(value, dict):
            if not isinstance(target.get(path[-1]), dict):
                self._forget(path)
                target[path[-1]] = {}
            self.origins[path] = origin
            for key, inner in value.items():
                self.put((*path, str(key)), inner, origin)
        else:
            self._forget(path)
            target[path[-1]] = value
            self.origins[path] = origin

    def _forget(self, path: KeyPath) -> None:
        """Forget whence everything at a path and within it came."""
        for known in (self.origins, self.texts):
            for given in [given for given in known if given[: len(path)] == path]:
                del known[given]


def merge(paths: Sequence[Path], environment: Mapping[str, str]) -> Layers:
    """All layers, later ones winning key by key; what cannot be used of them is left out, and told."""
    layers = Layers()
    environment, mistakes = with_credentials(environment)
    layers.mistakes += mistakes
    for path in paths:
        try:
            document = read(path)
        except ConfigError as error:
            layers.mistakes.append(str(error))
            layers.left_out.append(())
            continue
        _add_mapping(layers, document.data, (), document, environment)
    for name in sorted(environment):
        if name.upper().startswith(PREFIX):
            _add_variable(layers, name, environment[name])
    return layers


def _add_mapping(
    layers: Layers, data: dict[str, Any], path: KeyPath, document: Document, environment: Mapping[str, str]
) -> None:
    for key, value in data.items():
        here = (*path, key)
        place = f"{document.name}:{document.lines[here]}"
        if isinstance(value, dict):
            layers.put(here, {}, place)
            _add_mapping(layers, value, here, document, environment)
            continue
        filling = _Filling(key in SECRETS, environment)
        filled = filling.filled(value)
        if filling.unset:
            said = "is not set in the environment; set it, or write"
            layers.mistakes += [f"{place}: {'.'.join(here)}: ${{{n}}} {said} ${{{n}:-default}}" for n in filling.unset]
            layers.left_out.append(here)
            continue
        if filling.unclosed:
            said = "a ${ that names no variable; write ${NAME} or ${NAME:-default}"
            layers.mistakes.append(f"{place}: {'.'.join(here)}: {said}")
            layers.left_out.append(here)
            continue
        origin = f"{place} ({', '.join(f'${{{name}}}' for name in filling.used)})" if filling.used else place
        layers.put(here, filled, origin)
        if not isinstance(filled, dict):
            _add_items(layers, here, document)


def _add_items(layers: Layers, path: KeyPath, document: Document) -> None:
    """How a value, or the items of a list, are written, and the lines of these."""
    if path in document.texts:
        layers.texts[path] = document.texts[path]
    number = 0
    while (item := (*path, str(number))) in document.lines:
        layers.origins[item] = f"{document.name}:{document.lines[item]}"
        _add_items(layers, item, document)
        number += 1


@dataclass(slots=True)
class _Filling:
    """Puts the `${VAR}`s into the value of one key, and tells which were set, and which should be."""

    is_secret: bool
    environment: Mapping[str, str]
    used: dict[str, None] = field(default_factory=dict)
    unset: dict[str, None] = field(default_factory=dict)
    unclosed: bool = False
    """Whether a `${` is no variable: it is not closed, or names none."""

    def filled(self, value: Any) -> Any:
        """A value, or a list of them; a text that had any variable is read as YAML again."""
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        text = _VARIABLE.sub(self._put, value)
        if "${" in _VARIABLE.sub("", value):
            self.unclosed = True
        if self.is_secret and text:
            return text  # a token of digits is no number
        try:
            return scalar(text)
        except yaml.YAMLError:
            return text

    def _put(self, match: re.Match[str]) -> str:
        name, default = match.groups()
        if name in self.environment:
            self.used[name] = None
            return self.environment[name]
        if default is None:
            self.unset[name] = None
        return default or ""


def _add_variable(layers: Layers, name: str, text: str) -> None:
    path = tuple(part.lower() for part in name[len(PREFIX) :].split("__"))
    try:
        value = text if path[-1] in SECRETS and text else scalar(text)
    except yaml.YAMLError:
        layers.mistakes.append(f"{name}: cannot be read as a YAML value")
        layers.left_out.append(path)
        return
    layers.put(path, value, name)
    if not isinstance(value, str | dict | list):
        layers.texts[path] = text
