"""Settings from layers, with every mistake told in one line: where, which key, its value, what would be right."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from virtuoso.config.document import text_of
from virtuoso.config.hints import PREFIX, meant
from virtuoso.config.keys import fields
from virtuoso.config.layers import Layers, merge
from virtuoso.config.mistakes import line
from virtuoso.config.section import KeyPath
from virtuoso.config.settings import Settings
from virtuoso.model.errors import ConfigError


def load(paths: Sequence[Path], environment: Mapping[str, str]) -> Settings:
    """The settings from files (later ones win) and `VIRTUOSO__SECTION__KEY` variables.

    Raises:
        ConfigError: one line for each mistake.
    """
    return load_with_origins(paths, environment)[0]


def load_with_origins(paths: Sequence[Path], environment: Mapping[str, str]) -> tuple[Settings, Layers]:
    """`load`, and where each value came from."""
    reading = read(paths, environment)
    if reading.settings is None or reading.mistakes:
        raise ConfigError("\n".join(reading.mistakes))
    return reading.settings, reading.layers


@dataclass(frozen=True, slots=True)
class Reading:
    """What files and environment say, as far as it can be understood.

    Attributes:
        settings: `None` where nothing can be made of it; with the defaults at the places of mistakes.
        mistakes: a line each.
        left_out: the places of mistakes.
    """

    settings: Settings | None
    layers: Layers
    mistakes: tuple[str, ...]
    left_out: tuple[KeyPath, ...]

    def holds(self, *section: str) -> bool:
        """Whether there is no mistake in a section, so that it says what its writer meant."""
        return not any(path[: len(section)] == section or section[: len(path)] == path for path in self.left_out)


def read(paths: Sequence[Path], environment: Mapping[str, str]) -> Reading:
    """Read everything, and tell every mistake that does not follow from another."""
    layers = merge(paths, environment)
    mistakes = [
        f"{name}: is not read; variables of the configuration begin with {PREFIX}; did you mean {wanted}?"
        for name in sorted(environment)
        if (wanted := meant(name)) is not None
    ]
    mistakes += layers.mistakes
    left_out, data = list(layers.left_out), layers.data
    settings, wrong = _checked(data)
    mistakes += [line(layers, detail) for detail in wrong if not _follows(detail, left_out)]
    while wrong:
        places = [_place(detail) for detail in wrong]
        left_out += places
        before, data = data, _without(data, places)
        if data == before:
            break
        settings, wrong = _checked(data)
    if settings is not None:
        settings, layers = _with_files(settings, layers, data, mistakes, left_out)
    return Reading(settings, layers, tuple(dict.fromkeys(mistakes)), tuple(left_out))


def _checked(data: dict[str, Any]) -> tuple[Settings | None, list[dict[str, Any]]]:
    """The settings, or pydantic's details of what is wrong with them."""
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, _first_causes([dict(detail) for detail in error.errors()])


def _first_causes(wrong: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not wrong because of something inside them, as a list is too short without its wrong entries."""
    places = [_place(detail) for detail in wrong]
    return [
        detail
        for detail, place in zip(wrong, places, strict=True)
        if not any(len(other) > len(place) and other[: len(place)] == place for other in places)
    ]


def _place(detail: dict[str, Any]) -> KeyPath:
    return tuple(str(part) for part in detail["loc"])


def _follows(detail: dict[str, Any], left_out: list[KeyPath]) -> bool:
    """Whether it may be wrong only because something is missing in it that could not be read."""
    place = _place(detail)
    return any(path[: len(place)] == place for path in left_out) or () in left_out


def _without(data: dict[str, Any], places: list[KeyPath]) -> dict[str, Any]:
    """A copy without what stands at these places, or without the section that lacks what should stand there."""
    found = copy.deepcopy(data)
    for place in places:
        section, depth = found, 0
        if not place:
            continue
        while depth + 1 < len(place) and isinstance(section.get(place[depth]), dict) and place[depth + 1] != "[key]":
            if depth + 2 == len(place) and place[-1] not in section[place[depth]]:
                break
            section, depth = section[place[depth]], depth + 1
        section.pop(place[depth], None)
    return found


def _with_files(
    settings: Settings, layers: Layers, data: dict[str, Any], mistakes: list[str], left_out: list[KeyPath]
) -> tuple[Settings, Layers]:
    """The settings with each secret `x` read from its `x_file`, and checked like one that was written down."""
    secrets: dict[KeyPath, tuple[SecretStr, Path]] = {}
    unread: dict[KeyPath, str] = {}
    filled: Settings = _filled(settings, (), secrets, unread)
    mistakes += unread.values()
    left_out += unread
    if not secrets:
        return settings, layers
    data, origins = copy.deepcopy(data), dict(layers.origins)
    for path, (secret, file) in secrets.items():
        section = data
        for key in path[:-1]:
            section = section[key]
        section[path[-1]] = secret.get_secret_value()
        named = (*path[:-1], f"{path[-1]}_file")
        del section[named[-1]]
        origins[path] = f"{layers.origin(named)}: {file}"
    _, wrong = _checked(data)
    mistakes += [line(Layers(data, origins), detail) for detail in wrong]
    left_out += map(_place, wrong)
    return filled, Layers(layers.data, origins, layers.texts)


def _filled(
    section: Any, path: KeyPath, secrets: dict[KeyPath, tuple[SecretStr, Path]], unread: dict[KeyPath, str]
) -> Any:
    """A section, or a mapping of sections, with what its files hold, which `secrets` gets too.

    `unread` gets why one cannot be used.
    """
    found: dict[str, Any] = {}
    names = fields(type(section)) if isinstance(section, BaseModel) else [(name, name) for name in section]
    for key, name in names:
        value = section[name] if isinstance(section, dict) else getattr(section, name)
        if isinstance(value, BaseModel | dict):
            if (filled := _filled(value, (*path, key), secrets, unread)) is not value:
                found[name] = filled
        elif isinstance(value, Path) and key.endswith("_file"):
            held = (*path, key.removesuffix("_file"))
            try:
                found[held[-1]] = _secret(".".join((*path, key)), value)
            except ConfigError as error:
                unread[held] = str(error)
            else:
                secrets[held] = found[held[-1]], value
    if not found:
        return section
    return section | found if isinstance(section, dict) else section.model_copy(update=found)


def _secret(key: str, file: Path) -> SecretStr:
    try:
        text = text_of(file).strip()
    except ConfigError as error:
        raise ConfigError(f"{key} = {error}") from None
    if not text:
        raise ConfigError(f"{key} = {file}: is empty; it must hold the {key.rpartition('.')[2].removesuffix('_file')}")
    return SecretStr(text)
