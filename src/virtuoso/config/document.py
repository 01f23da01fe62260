"""One YAML file as plain data, with the line of every key. Duplicate keys are errors, `1e3` is a number."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from virtuoso.model.errors import ConfigError
from virtuoso.model.text.yaml import BoundedLoader, TooLargeError, read_text

KeyPath = tuple[str, ...]


class _Loader(BoundedLoader):
    """PyYAML follows YAML 1.1; here `1e3` is a number, and `010` (8 there) and `1:30` (90 there) are none."""


_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in {_INT, _FLOAT}]
    for first, resolvers in BoundedLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT, re.compile(r"^[-+]?(0|[1-9][\d_]*|0x[\da-fA-F_]+|0b[01_]+)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(
        r"^[-+]?((0|[1-9][\d_]*)(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


@dataclass(slots=True)
class Document:
    """A file's data and, by key path, the line each key stands on."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)


def scalar(text: str) -> Any:
    """A text from the environment read as YAML: `8003` is a number, `[a, b]` a list, nothing is `None`.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def read(path: Path) -> Document:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, is not YAML, is not a mapping, or has a key twice.
    """
    return parse(text_of(path), str(path))


def text_of(path: Path) -> str:
    """The text of a file that is written by the user.

    Raises:
        ConfigError: it cannot be read, is too large or is not text.
    """
    try:
        return read_text(path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except TooLargeError as error:
        raise ConfigError(f"{path}: {error}; no configuration is") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {(error.strerror or 'unknown error').lower()}") from error


def parse(text: str, name: str) -> Document:
    """Read YAML text; errors as `read`."""
    document = Document(name)
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return document
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{name}:{node.start_mark.line + 1}: must be a mapping of keys to values")
        document.data = _mapping(loader, node, (), document)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{name}{line}: is not valid YAML: {_first_line(error.problem or error.context)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: is not valid YAML: {_first_line(str(error))}") from error
    finally:
        if loader is not None:
            loader.dispose()
    return document


def _mapping(loader: _Loader, node: yaml.MappingNode, path: KeyPath, document: Document) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node))
        here = (*path, key)
        line = key_node.start_mark.line + 1
        if key in data:
            first = document.lines[here]
            raise ConfigError(f"{document.name}:{line}: {'.'.join(here)} is given twice, first on line {first}")
        document.lines[here] = line
        if isinstance(value_node, yaml.MappingNode):
            data[key] = _mapping(loader, value_node, here, document)
        else:
            data[key] = loader.construct_object(value_node, deep=True)
    return data


def _first_line(text: str | None) -> str:
    """Without what it quotes, which may be a secret: `password: !abc` is a tag to YAML."""
    if text is not None and text.startswith("found undefined alias"):
        return "a * begins a reference to an &anchor, and there is none of this name; write a pattern in quotes"
    return re.sub(r"(['\"])[^'\"]{2,}.*\1", "…", (text or "unknown error").splitlines()[0])
