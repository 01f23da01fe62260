"""What the sections say of a key path: which keys stand there, and what must not be shown."""

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from virtuoso.config.section import KeyPath
from virtuoso.config.settings import Settings
from virtuoso.config.values.durations import Duration, unit_in

HIDDEN = "***"
_SECRET_WORDS = re.compile(r"token|secret|passw|webhook|key|url|credential|auth", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")
_LEAST_SECRET = 5
"""Shorter ones are not masked in texts: they would be found everywhere."""
_LEAST_WEB_PART, _LEAST_PART = 12, 8
"""Shorter parts of the path of a web address are words; Apprise's addresses are made of tokens."""
_STORES = ("postgresql", "redis", "rediss", "sqlite")
"""Their addresses are no secret but for the password, and useful to read in an error."""


def keys_of(section: KeyPath) -> list[str]:
    """The keys of a section, none for what is not one, or has keys of the user's choice."""
    model = _at(section)
    return [key for key, _ in fields(model)] if _is_model(model) else []


def fields(model: type[BaseModel]) -> list[tuple[str, str]]:
    """Of each field: the key as it is written, and the attribute that holds it."""
    return [(field.alias or name, name) for name, field in model.model_fields.items()]


def paths(section: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key of a section and of the sections in it that is no section itself, by its path."""
    model = _at(section)
    for key in keys_of(section):
        here = (*section, key)
        if _is_model(_inner(model, key)):
            yield from paths(here)
        else:
            yield here


def sections(section: KeyPath = ()) -> Iterator[KeyPath]:
    """Every section in a section, by its path."""
    model = _at(section)
    for key in keys_of(section):
        if _is_model(_inner(model, key)):
            yield (*section, key)
            yield from sections((*section, key))


def is_section(path: KeyPath) -> bool:
    """Whether keys and values stand at a path, of the program's choice or of the user's."""
    return _is_section(_at(path))


def unit_at(path: KeyPath) -> Duration | None:
    """How the duration at a path is written; `None` where there is none."""
    model = _at(path[:-1])
    if not path or not _is_model(model):
        return None
    field = next((field for name, field in model.model_fields.items() if path[-1] == (field.alias or name)), None)
    return None if field is None else unit_in((*field.metadata, field.annotation))


def shown(path: KeyPath, value: Any) -> Any:
    """A value as it may be told: what is a secret, or may be one in a wrong place, is `***`."""
    if value is None or isinstance(value, bool):
        return value
    if _may_be_secret(path, _at(path), value):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: shown((*path, str(key)), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        # A list where one value belongs holds nothing more secret than that value.
        return [shown(inner if _at(inner := (*path, str(i))) else path, item) for i, item in enumerate(value)]
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", value) if isinstance(value, str) else value


def _may_be_secret(path: KeyPath, kind: Any, value: Any) -> bool:
    if _holds_secret(kind):
        return True
    if kind is None:  # an address of a webhook, say, under a misspelt key
        return not isinstance(value, int | float) or _SECRET_WORDS.search(path[-1]) is not None
    if _is_section(kind):
        return isinstance(value, str)
    return get_origin(_at(path[:-1])) is dict and _SECRET_WORDS.search(path[-1]) is not None


def written(settings: Settings) -> Iterator[tuple[KeyPath, Any]]:
    """Every value as it would be written into a file, by its path; secrets are `***`."""
    document = settings.model_dump(mode="json", by_alias=True)
    for path, value in leaves(settings):
        text: Any = document
        for key in path:
            text = text[key]
        yield path, shown(path, None if value is None else text)


def leaves(section: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of the settings that is no section, by its path; the values of free mappings one by one."""
    for key, name in fields(type(section)):
        yield from _leaves(getattr(section, name), (*path, key))


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value


def secret_texts(settings: Settings) -> frozenset[str]:
    """What must appear in no log: every secret, and of an address also the password and the long parts of its path."""
    found: set[str] = set()
    for path, value in leaves(settings):
        if isinstance(value, SecretStr):
            found |= _parts(value.get_secret_value())
        elif isinstance(value, str):
            if shown(path, value) == HIDDEN:
                found.add(value)
            elif "://" in value:
                found |= _passwords(value)
    return frozenset(text for text in found if len(text) >= _LEAST_SECRET)


def _parts(secret: str) -> set[str]:
    """A secret, and the parts of it that are secret by themselves: a library may tell a path without its host."""
    try:
        parts = urlsplit(secret)
    except ValueError:
        return {secret}
    if not parts.netloc:
        return {secret}
    if parts.scheme in _STORES:
        return _passwords(secret)
    web = parts.scheme in {"http", "https"}
    where = f"{parts.path}?{parts.query}#{parts.fragment}" if web else secret.partition("://")[2]
    least = _LEAST_WEB_PART if web else _LEAST_PART
    inside = {part for part in re.split(r"[/?&=#@:]", where) if len(part) >= least}
    host = parts.hostname or ""
    return {secret, *_passwords(secret), *(inside - {host if "." in host else "localhost"})}


def _passwords(address: str) -> set[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return {address}
    return {password, unquote(password)} if password else set()


def _holds_secret(kind: Any) -> bool:
    return kind is SecretStr or any(_holds_secret(inner) for inner in get_args(kind))


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_section(kind: Any) -> bool:
    return _is_model(kind) or get_origin(kind) is dict


def _at(path: KeyPath) -> Any:
    """The type of what stands at a path; `None` where nothing is known."""
    kind: Any = Settings
    for key in path:
        kind = _inner(kind, key)
    return kind


def _inner(kind: Any, key: str) -> Any:
    """The type under a key of a section or of a mapping."""
    if _is_model(kind):
        by_key = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return by_key.get(key)
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) in (tuple, Annotated):
        inner = get_args(kind)[0]
        return inner if get_origin(kind) is tuple else _inner(inner, key)
    if get_origin(kind) in (Union, types.UnionType):
        return next((found for found in (_inner(one, key) for one in get_args(kind)) if found is not None), None)
    return None
