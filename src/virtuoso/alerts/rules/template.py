"""The text of an alert: a template with `{names}` of values, each with a format if wanted, and nothing else."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from virtuoso.alerts.rules.mistakes import Mistaken, nearest
from virtuoso.alerts.rules.values import CATALOGUE, Form, Known, Scope, Type
from virtuoso.model.text.numbers import amount_text, number_text, price_text

MAX_LENGTH: Final = 500
MAX_MESSAGE: Final = 1_000
"""Characters of a message, whatever the values are."""
UNKNOWN: Final = "unknown"
_FORMATS: Final = {
    Type.NUMBER: re.compile(r"[<>^]?[+ -]?0?\d{0,2}[,_]?(\.\d{1,2})?[eEfFgG%]?"),
    Type.TEXT: re.compile(r"[<>^]?\d{0,2}(\.\d{1,2})?s?"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Literal texts, each followed by a name with its format, or by nothing at the end."""

    parts: tuple[tuple[str, str | None, str], ...]

    def render(self, values: Mapping[str, Known]) -> str:
        """The text with values put in; what is not known says so. At most `MAX_MESSAGE` characters."""
        texts = []
        for literal, name, spec in self.parts:
            texts.append(literal)
            if name is not None:
                texts.append(shown(name, values, spec))
        return cut("".join(texts))


def parse(text: str, scopes: Iterable[Scope]) -> Template:
    """Read a template that may name values of these scopes.

    Raises:
        Mistaken: it is too long, or names or formats what it may not.
    """
    if len(text) > MAX_LENGTH:
        raise Mistaken(f"{len(text)} characters; at most {MAX_LENGTH}")
    try:
        parts = [(literal, name, spec or "", conversion) for literal, name, spec, conversion in Formatter().parse(text)]
    except ValueError as error:
        raise Mistaken(f"{str(error).lower()}; a brace that is meant is written twice") from None
    allowed = frozenset(scopes)
    for _, name, spec, conversion in parts:
        if name is not None:
            _check(name, spec, conversion, allowed)
    return Template(tuple((literal, name, spec) for literal, name, spec, _ in parts))


def _check(name: str, spec: str, conversion: str | None, allowed: frozenset[Scope]) -> None:
    value = CATALOGUE.get(name)
    if value is None:
        raise Mistaken(f"{{{name[:60]}}}: unknown value{nearest(name, CATALOGUE)}")
    if value.scope not in allowed:
        raise Mistaken(f"{{{name}}}: is a value of a {value.scope}, and `when` names none of a {value.scope}")
    if conversion:
        raise Mistaken(f"{{{name}!{conversion}}}: conversions are not allowed")
    if not _FORMATS[value.type].fullmatch(spec):
        example = f"{{{name}:.2f}}" if value.type is Type.NUMBER else f"{{{name}:>12}}"
        raise Mistaken(f"{{{name}:{spec[:60]}}}: no format of a {value.type}; one is {example}")


def shown(name: str, values: Mapping[str, Known], spec: str = "") -> str:
    """A value as text; without a format a price goes by its tick, an amount has its currency, others six digits."""
    value = values.get(name)
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return format(cut(value), spec)
    if spec:
        return format(float(value), spec)
    of = CATALOGUE[name]
    known = values if of.scope is Scope.SYMBOL else {}
    tick, quote = known.get("tick_size"), known.get("quote")
    match of.form:
        case Form.PRICE:
            return price_text(value, tick if isinstance(tick, float) else None)
        case Form.AMOUNT:
            return amount_text(value, quote if isinstance(quote, str) else None)
        case _:
            return number_text(value)


def cut(text: str) -> str:
    """At most `MAX_MESSAGE` characters."""
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
