"""YAML as people write it, within bounds: what is small must not become large, and nothing is nested without end."""

from pathlib import Path
from typing import Any, Final, cast

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

MOST_BYTES: Final = 256 * 1024
"""Of a file."""
_MOST_NODES: Final = 20_000
"""With all that aliases stand for, at every place where they stand."""
_DEEPEST: Final = 40
_LONGEST_PLAIN: Final = 2_000
"""Of a value without quotation marks, or with a tag, which may be taken for a number: Python takes long over them."""
_STR: Final = "tag:yaml.org,2002:str"


class TooLargeError(ValueError):
    """A file has more bytes than are read."""


class BoundedLoader(yaml.SafeLoader):
    """A `SafeLoader` whose documents are small, flat and finite; what is not raises `yaml.MarkedYAMLError`."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = 0
        self._depth = 0
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node and all within it, counted; an alias counts for all that it stands for."""
        event: Any = cast("Any", self).peek_event()
        before, alias = self._nodes, isinstance(event, yaml.AliasEvent)
        if alias:
            if event.anchor in self.anchors and event.anchor not in self._sizes:
                raise ComposerError(None, None, "an alias stands for what it is a part of", event.start_mark)
            self._nodes += self._sizes.get(event.anchor, 0)
        self._nodes += 1
        self._depth += 1
        if (excess := self._excess(event)) is not None:
            raise ComposerError(None, None, excess, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if event.anchor is not None and not alias:
            self._sizes[event.anchor] = self._nodes - before
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """What a node stands for; what Python raises at a value that is none of its kind is marked too."""
        try:
            return cast("Any", super()).construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            said = f"a value that is no {node.tag.rpartition(':')[2]}"
            said += f": {error}" if isinstance(error, ValueError) else ""
            raise ConstructorError(None, None, said, node.start_mark) from error

    def _excess(self, event: Any) -> str | None:
        if self._nodes > _MOST_NODES:
            return f"more than {_MOST_NODES:,} values, with all that aliases stand for"
        if self._depth > _DEEPEST:
            return f"nested deeper than {_DEEPEST} levels"
        if isinstance(event, yaml.ScalarEvent) and (event.implicit[0] or event.tag not in {None, _STR}):
            size = len(event.value)
            if size > _LONGEST_PLAIN:
                return f"a value of {size:,} characters; at most {_LONGEST_PLAIN:,} without quotation marks"
        return None


def read_text(path: Path) -> str:
    """Read the text of a file, no more than 256 KB of it.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
        TooLargeError: it is larger than 256 KB; no more is read.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise TooLargeError(f"is larger than {MOST_BYTES >> 10} KB")
    return data.decode()
