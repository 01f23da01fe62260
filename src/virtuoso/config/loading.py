"""Settings from layers, with every mistake told in one line: where, which key, its value, what would be right."""

import difflib
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from virtuoso.config.document import KeyPath
from virtuoso.config.layers import PREFIX, Layers, merge
from virtuoso.config.settings import Settings
from virtuoso.model.errors import ConfigError

_SECRETS = frozenset({"token", "password", "database", "redis_url"})
"""Keys, and sections, whose values are not shown."""


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
    try:
        settings = Settings.model_validate(layers.data)
    except ValidationError as error:
        mistakes += [_line(layers, dict(detail)) for detail in error.errors()]
    if mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))
    filled: Settings = _with_files(settings)
    return filled, layers


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


def _with_files(section: Any, path: KeyPath = ()) -> Any:
    """The section with each secret `x` read from its `x_file`."""
    found: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            if (filled := _with_files(value, (*path, name))) is not value:
                found[name] = filled
        elif name.endswith("_file") and value is not None:
            found[name.removesuffix("_file")] = _secret(".".join((*path, name)), value)
    return section.model_copy(update=found) if found else section


def _secret(key: str, file: Path) -> SecretStr:
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key} = {file}: cannot be read: {type(error).__name__}") from error
    if not text:
        raise ConfigError(f"{key} = {file}: is empty; it must hold the {key.rpartition('.')[2].removesuffix('_file')}")
    return SecretStr(text)


def _line(layers: Layers, detail: dict[str, Any]) -> str:
    """One mistake in one line."""
    path: KeyPath = tuple(str(part) for part in detail["loc"])
    origin = layers.origin(path)
    place = f"{origin}: " if origin else ""
    key = ".".join(path) or "configuration"
    value = _shown(path, detail.get("input"))
    if detail["type"] == "extra_forbidden":
        return f"{place}{key} = {value}: unknown key{_nearest(path)}"
    return f"{place}{key} = {value}: {_wanted(detail)}"


def _wanted(detail: dict[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:].replace("Input should", "should")


def _shown(path: KeyPath, value: Any) -> str:
    if any(part in _SECRETS for part in path) or (isinstance(value, dict) and _SECRETS & set(value)):
        return "***"
    text = repr(value) if not isinstance(value, BaseModel) else "(section)"
    return text if len(text) <= 80 else text[:77] + "..."


def _nearest(path: KeyPath) -> str:
    """The key of the same section that comes closest, else all that there are."""
    known = keys_of(path[:-1])
    match = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.6)
    if match:
        return f"; did you mean {'.'.join((*path[:-1], match[0]))}?"
    return f"; {'.'.join(path[:-1]) or 'the top level'} has {', '.join(known)}"


def keys_of(section: KeyPath) -> list[str]:
    """The keys of a section, none for what is not one."""
    model: Any = Settings
    for key in section:
        field = model.model_fields.get(key)
        model = _model_in(field.annotation) if field is not None else None
        if model is None:
            return []
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (Union, types.UnionType):
        return next((m for m in map(_model_in, get_args(annotation)) if m is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
