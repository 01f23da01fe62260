"""What is wrong with the settings, one line each: where it is, which key, its value, what would be right."""

import re
from typing import Any

from virtuoso.config.hints import PREFIX, nearest_key, nearest_variable
from virtuoso.config.keys import HIDDEN, shown, unit_at
from virtuoso.config.layers import Layers
from virtuoso.config.section import KeyPath
from virtuoso.config.traps import as_list, as_number, as_text
from virtuoso.config.values.durations import MISTAKE, Duration
from virtuoso.model.text.numbers import counted, number_text

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"), "less_than": ("lt", "less than"),
}  # fmt: skip

_LENGTHS = {
    "too_short": ("min_length", "at least"), "too_long": ("max_length", "at most"),
    "string_too_short": ("min_length", "at least"), "string_too_long": ("max_length", "at most"),
}  # fmt: skip

_TYPES = {
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
    "bool_type": "true or false", "bool_parsing": "true or false", "path_type": "a path",
}  # fmt: skip
"""What pydantic's types are called by people."""
_GLUED = re.compile(r"[A-Za-z_]\w*:[^\s/]")
"""`port:9` is one text to YAML."""


def line(layers: Layers, detail: dict[str, Any]) -> str:
    """Describe one of pydantic's errors."""
    path: KeyPath = tuple(str(part) for part in detail["loc"])
    origin = layers.place(path)
    place = f"{origin}: " if origin else ""
    if path[-1:] == ("[key]",):  # pydantic's way of saying that a key of a mapping is wrong
        return f"{place}{'.'.join(path[:-1])}: {_wanted(detail, None, None)}"
    key = ".".join(path) or "configuration"
    if detail["type"] == "missing":
        return f"{place}{key}: is required"
    if detail["type"] == "value_error" and isinstance(detail["input"], dict):  # of a section: the text says which key
        return f"{place}{key}: {_wanted(detail, None, None)}"
    unit, value = unit_at(path), _short(path, detail.get("input"))
    if detail["type"] == "extra_forbidden":
        given = "" if isinstance(detail["input"], dict | list) else f" = {value}"  # what stands in it is not judged
        return f"{place}{key}{given}: unknown key{_meant(path, origin)}"
    text = None if value == HIDDEN else layers.texts.get(path)
    return f"{place}{key} = {value if text is None or unit else text}: {_wanted(detail, unit, text)}"


def _meant(path: KeyPath, origin: str | None) -> str:
    """The key that was meant, or the variable where a variable set it."""
    if origin is not None and origin.startswith(PREFIX) and (name := nearest_variable(origin)) is not None:
        return f"; did you mean {name}?"
    return nearest_key(path)


def _wanted(detail: dict[str, Any], unit: Duration | None, text: str | None) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind in {"model_type", "dict_type"}:
        glued = isinstance(given, str) and _GLUED.match(given) is not None
        return "must be a section, of keys and values" + ("; write a space after each colon" if glued else "")
    if kind == "tuple_type":
        return as_list(given if isinstance(given, str) else text)
    if kind == "string_type":
        return as_text(given, text)
    if kind in _BOUNDS and unit is not None:
        name, words = _BOUNDS[kind]
        return f"must be {words} {unit.shown(detail['ctx'][name])}"
    if kind in {"int_type", "float_type"} and isinstance(given, str) and (trap := as_number(given)) is not None:
        return trap
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {number_text(detail['ctx'][name])}"
    if kind in {"literal_error", "enum"}:
        return f"must be {str(detail['ctx']['expected']).replace(chr(39), '')}"
    if kind in _LENGTHS:
        name, words = _LENGTHS[kind]
        return (
            f"must have {words} {counted(detail['ctx'][name], 'character' if kind.startswith('string') else 'value')}"
        )
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message if kind == MISTAKE else message[:1].lower() + message[1:].replace("nput should be", "must be")


def _short(path: KeyPath, value: Any) -> str:
    told = shown(path, value)
    unit = unit_at(path)
    written = told if unit is None else unit.shown(told)
    text = HIDDEN if told == HIDDEN else str(written) if written is not told else repr(told)
    return text if len(text) <= 80 else text[:77] + "..."
