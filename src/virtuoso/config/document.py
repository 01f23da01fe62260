"""One YAML file as plain data, with the line of every key. Duplicate keys are errors, `1e3` is a number."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from virtuoso.config.section import KeyPath
from virtuoso.config.traps import not_yaml, without_quotes
from virtuoso.model.errors import ConfigError
from virtuoso.model.text.failures import why_unread
from virtuoso.model.text.yaml import BoundedLoader, TooLargeError, read_text


class _Loader(BoundedLoader):
    """PyYAML follows YAML 1.1; here `1e3` is a number, and `010` (8 there) and `1:30` (90 there) are none.

    `place` is the path of the key that is being read: where one stops, it says at which.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.place: KeyPath = ()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, at its place: `index` is the node of its key, or its number in a list."""
        before = self.place
        if index is not None:
            self.place = (*before, str(getattr(index, "value", index)))
        node = super().compose_node(parent, index)
        self.place = before
        return node


_STR, _INT, _FLOAT = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
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
    """A file's data and, by key path, the line each key stands on, and how a value is written that is no text."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)


def scalar(text: str) -> Any:
    """A text from the environment read as YAML: `8003` is a number, `[a, b]` a list, nothing is `None`.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def read(path: Path) -> Document:
    """Read a configuration file into its parsed form.

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
        raise ConfigError(f"{path}: cannot be read: {why_unread(error)}") from error


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
        place = loader.place if loader else ()
        raise ConfigError(f"{name}{line}: {not_yaml(error, place)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: is not valid YAML: {without_quotes(str(error))}") from error
    finally:
        if loader is not None:
            loader.dispose()
    return document


def _mapping(loader: _Loader, node: yaml.MappingNode, path: KeyPath, document: Document) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        is_text = isinstance(key_node, yaml.ScalarNode)  # a channel may be called `no` or `010`
        key = key_node.value if is_text else str(loader.construct_object(key_node))
        here = (*path, key)
        line = key_node.start_mark.line + 1
        if key in data:
            first = document.lines[here]
            raise ConfigError(
                f"{document.name}:{line}: {'.'.join(here)} is given twice, first on line {first}; keep one"
            )
        document.lines[here] = line
        loader.place = here
        if isinstance(value_node, yaml.MappingNode):
            data[key] = _mapping(loader, value_node, here, document)
        else:
            data[key] = loader.construct_object(value_node, deep=True)
            _note(value_node, here, document)
    return data


def _note(node: yaml.Node, path: KeyPath, document: Document) -> None:
    """Keep how a value is written that is no text to YAML, and the lines of a list's items."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            here = (*path, str(number))
            document.lines[here] = item.start_mark.line + 1
            _note(item, here, document)
    elif isinstance(node, yaml.ScalarNode) and node.tag != _STR and node.style is None:
        document.texts[path] = node.value
