"""Settings from layers, with every mistake told in one line: where, which key, its value, what would be right."""

import copy
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import NoneType
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError

from virtuoso.config.document import KeyPath
from virtuoso.config.keys import HIDDEN, fields, nearest, shown
from virtuoso.config.layers import PREFIX, Layers, merge
from virtuoso.config.settings import Settings
from virtuoso.model.errors import ConfigError
from virtuoso.model.text.yaml import read_text

_TAKEN_FOR: Final = {
    bool: "true or false", int: "a number", float: "a number", NoneType: "nothing", date: "a date", datetime: "a time",
}  # fmt: skip


def load(paths: Sequence[Path], environment: Mapping[str, str]) -> Settings:
    """The settings from files (later ones win) and `VIRTUOSO__SECTION__KEY` variables.

    Raises:
        ConfigError: one line for each mistake.
    """
    return load_with_origins(paths, environment)[0]


def load_with_origins(paths: Sequence[Path], environment: Mapping[str, str]) -> tuple[Settings, Layers]:
    """`load`, and where each value came from."""
    mistakes = [
        f"{name}: is not read; configuration variables begin with {PREFIX}, e.g. {PREFIX}{_after(name)}"
        for name in sorted(environment)
        if _near_miss(name)
    ]
    layers = merge(paths, environment)
    settings, wrong = _checked(layers, layers.data)
    mistakes += wrong
    if settings is None or mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    return _with_files(settings, layers), layers


def _checked(layers: Layers, data: dict[str, Any]) -> tuple[Settings | None, list[str]]:
    """The settings, or what is wrong with them."""
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, [_line(layers, dict(detail)) for detail in error.errors()]


def _near_miss(name: str) -> bool:
    """`VIRTUOSO_WEB__PORT` or `VIRTUOSO_WEB_PORT`: meant for us, but misspelt."""
    upper = name.upper()
    if upper.startswith(PREFIX) or not upper.startswith("VIRTUOSO_"):
        return False
    return _after(name).partition("__")[0].partition("_")[0].lower() in {
        field.partition("_")[0] for field in Settings.model_fields
    }


def _after(name: str) -> str:
    return name[len("VIRTUOSO_") :].lstrip("_").upper()


def _with_files(settings: Settings, layers: Layers) -> Settings:
    """The settings with each secret `x` read from its `x_file`, and checked like one that was written down."""
    secrets: dict[KeyPath, SecretStr] = {}
    filled: Settings = _filled(settings, (), secrets)
    if secrets:
        data = copy.deepcopy(layers.data)
        for path, secret in secrets.items():
            section = data
            for key in path[:-1]:
                section = section[key]
            section[path[-1]] = secret.get_secret_value()
            del section[f"{path[-1]}_file"]
        origins = layers.origins | {
            path: layers.origin((*path[:-1], f"{path[-1]}_file")) or "default" for path in secrets
        }
        _, mistakes = _checked(Layers(data, origins), data)
        if mistakes:
            raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    return filled


def _filled(section: Any, path: KeyPath, secrets: dict[KeyPath, SecretStr]) -> Any:
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
            found[held[-1]] = secrets[held] = _secret(".".join((*path, key)), value)
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


def _line(layers: Layers, detail: dict[str, Any]) -> str:
    """Describe one of pydantic's errors in one line: where it is, which key, its value, what would be right."""
    path: KeyPath = tuple(str(part) for part in detail["loc"])
    origin = layers.origin(path)
    place = f"{origin}: " if origin else ""
    if path[-1:] == ("[key]",):  # pydantic's way of saying that a key of a mapping is wrong
        return f"{place}{'.'.join(path[:-1])}: {_wanted(detail)}"
    key = ".".join(path) or "configuration"
    if detail["type"] == "missing":
        return f"{place}{key}: is required"
    if detail["type"] == "value_error" and isinstance(detail["input"], dict):  # of a section: the text says which key
        return f"{place}{key}: {_wanted(detail)}"
    value = _short(path, detail.get("input"))
    if detail["type"] == "extra_forbidden":
        return f"{place}{key} = {value}: unknown key{nearest(path)}"
    return f"{place}{key} = {value}: {_wanted(detail)}"


def _wanted(detail: dict[str, Any]) -> str:
    if detail["type"] in {"model_type", "dict_type"}:
        return "must be a section, of keys and values"
    if detail["type"] == "tuple_type":
        return "must be a list, such as [first, second]"
    taken = _TAKEN_FOR.get(type(detail.get("input")))
    if detail["type"] == "string_type" and taken is not None:
        return f"must be text, and YAML takes it for {taken}; write it in quotes"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:].replace("Input should", "should")


def _short(path: KeyPath, value: Any) -> str:
    told = shown(path, value)
    text = HIDDEN if told == HIDDEN else repr(told)
    return text if len(text) <= 80 else text[:77] + "..."
