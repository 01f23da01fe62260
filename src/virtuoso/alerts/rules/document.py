"""One file of rules as nodes that know their lines. Nothing is constructed from YAML but mappings, lists and texts."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import yaml

from virtuoso.alerts.rules.mistakes import Mistake, Mistaken, nearest
from virtuoso.model.text.yaml import MOST_BYTES, BoundedLoader

_LONGEST_KEY = 60


@dataclass(slots=True)
class Page:
    """A file's name, the mistakes found in it, and the values that its rules name."""

    name: str
    mistakes: list[Mistake] = field(default_factory=list)
    values: set[str] = field(default_factory=set)

    def root(self, text: str) -> "Place | None":
        """The top of the document; `None`, with the mistake noted, where it is no YAML."""
        if len(text) > MOST_BYTES:
            self._refuse(1, f"{len(text)} characters; at most {MOST_BYTES:,}")
            return None
        try:
            node = yaml.compose(text, BoundedLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._refuse(line, f"is not valid YAML: {error.problem or error.context}")
            return None
        except (yaml.YAMLError, ValueError) as error:
            self._refuse(1, f"is not valid YAML: {str(error).splitlines()[0]}")
            return None
        if node is None:
            self._refuse(1, "is empty; it must have a list `rules`")
            return None
        return Place(self, node, node.start_mark.line + 1, "")

    def _refuse(self, line: int, text: str) -> None:
        self.mistakes.append(Mistake(self.name, line, "", text))


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the document, its line and its path."""

    page: Page
    node: yaml.Node
    line: int
    path: str

    def mistake(self, text: str) -> None:
        """Note what is wrong here, in one line."""
        path, told = (" ".join(each.split()) for each in (self.path, text))
        self.page.mistakes.append(Mistake(self.page.name, self.line, path, told))

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Whatever is `Mistaken` inside is noted here."""
        try:
            yield
        except Mistaken as mistaken:
            self.mistake(str(mistaken))

    def fields(self, known: Collection[str] = ()) -> dict[str, "Place"]:
        """The values of a mapping by key; unknown keys (if `known` are given) and double ones are mistakes."""
        if not isinstance(self.node, yaml.MappingNode):
            self.mistake("must be a mapping of keys to values")
            return {}
        if not self.node.value:
            self.mistake("is empty")
        found: dict[str, Place] = {}
        for key_node, value in self.node.value:
            key = str(key_node.value)[:_LONGEST_KEY] if isinstance(key_node, yaml.ScalarNode) else "?"
            here = Place(self.page, value, key_node.start_mark.line + 1, f"{self.path}.{key}".lstrip("."))
            if known and key not in known:
                here.mistake(f"unknown key{nearest(key, known)}")
            elif key in found:
                here.mistake(f"is given twice, first on line {found[key].line}")
            else:
                found[key] = here
        return found

    def items(self) -> list["Place"]:
        """The items of a list; what is none is a mistake."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.mistake("must be a list")
            return []
        return [
            replace(self, node=item, line=item.start_mark.line + 1, path=f"{self.path}[{i}]")
            for i, item in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """The text of a scalar, as it is written.

        Raises:
            Mistaken: it is none, or empty.
        """
        if not isinstance(self.node, yaml.ScalarNode):
            raise Mistaken("must be a single value")
        if not (text := str(self.node.value).strip()):
            raise Mistaken("is empty")
        return text
