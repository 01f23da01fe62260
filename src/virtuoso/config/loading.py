"""Settings from layers, with every mistake told in one line: where, which key, its value, what would be right."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from virtuoso.config.hints import PREFIX, meant
from virtuoso.config.keys import fields
from virtuoso.config.layers import Layers, merge
from virtuoso.config.mistakes import line
from virtuoso.config.section import KeyPath
from virtuoso.config.settings import Settings
from virtuoso.model.errors import ConfigError
from virtuoso.model.text.yaml import read_text


def load(paths: Sequence[Path], environment: Mapping[str, str]) -> Settings:
    """The settings from files (later ones win) and `VIRTUOSO__SECTION__KEY` variables.

    Raises:
        ConfigError: one line for each mistake.
    """
    return load_with_origins(paths, environment)[0]


def load_with_origins(paths: Sequence[Path], environment: Mapping[str, str]) -> tuple[Settings, Layers]:
    """`load`, and where each value came from."""
    mistakes = [
        f"{name}: is not read; variables of the configuration begin with {PREFIX}; did you mean {wanted}?"
        for name in sorted(environment)
        if (wanted := meant(name)) is not None
    ]
    layers = merge(paths, environment)
    settings, wrong = _checked(layers, layers.data)
    mistakes += wrong
    if settings is None or mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    return _with_files(settings, layers)


def _checked(layers: Layers, data: dict[str, Any]) -> tuple[Settings | None, list[str]]:
    """The settings, or what is wrong with them."""
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, [line(layers, dict(detail)) for detail in error.errors()]


def _with_files(settings: Settings, layers: Layers) -> tuple[Settings, Layers]:
    """The settings with each secret `x` read from its `x_file`, and checked like one that was written down."""
    secrets: dict[KeyPath, tuple[SecretStr, Path]] = {}
    filled: Settings = _filled(settings, (), secrets)
    if not secrets:
        return settings, layers
    data, origins = copy.deepcopy(layers.data), dict(layers.origins)
    for path, (secret, file) in secrets.items():
        section = data
        for key in path[:-1]:
            section = section[key]
        section[path[-1]] = secret.get_secret_value()
        named = (*path[:-1], f"{path[-1]}_file")
        del section[named[-1]]
        origins[path] = f"{layers.origin(named)}: {file}"
    _, mistakes = _checked(Layers(data, origins), data)
    if mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    return filled, Layers(layers.data, origins, layers.texts)


def _filled(section: Any, path: KeyPath, secrets: dict[KeyPath, tuple[SecretStr, Path]]) -> Any:
    """A section, or a mapping of sections, with what its files hold, which `secrets` gets too."""
    found: dict[str, Any] = {}
    names = fields(type(section)) if isinstance(section, BaseModel) else [(name, name) for name in section]
    for key, name in names:
        value = section[name] if isinstance(section, dict) else getattr(section, name)
        if isinstance(value, BaseModel | dict):
            if (filled := _filled(value, (*path, key), secrets)) is not value:
                found[name] = filled
        elif isinstance(value, Path) and key.endswith("_file"):
            held = (*path, key.removesuffix("_file"))
            secrets[held] = _secret(".".join((*path, key)), value), value
            found[held[-1]] = secrets[held][0]
    if not found:
        return section
    return section | found if isinstance(section, dict) else section.model_copy(update=found)


def _secret(key: str, file: Path) -> SecretStr:
    try:
        text = read_text(file).strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{key} = {file}: cannot be read: {type(error).__name__}") from None
    if not text:
        raise ConfigError(f"{key} = {file}: is empty; it must hold the {key.rpartition('.')[2].removesuffix('_file')}")
    return SecretStr(text)
