"""The one type of keys that are durations: `10s`, `5m`, `1h30m`, `2d`, or a plain number in the unit of the key."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from virtuoso.model.text import duration

MISTAKE = "duration"
"""The type of the error of what is no duration; its message names the cure."""
_CLOCK, _LEADING_ZERO = re.compile(r"(\d+):(\d\d)"), re.compile(r"0+(\d+)")


@dataclass(frozen=True, slots=True)
class Duration:
    """Makes a number a duration: the number counts `unit`, whichever way it was written."""

    unit: duration.Unit = "s"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read texts before the number's own bounds are checked; JSON has the form that `config show` has."""

        def read(value: object) -> object:
            return self._number(value, whole=source is int)

        written = core_schema.plain_serializer_function_ser_schema(self.shown, when_used="json")
        return core_schema.no_info_before_validator_function(read, handler(source), serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe both ways to write a duration: a text, or a plain number."""
        text = f"A duration: {_EXAMPLES}."
        return {
            "anyOf": [
                {**handler(schema), "description": f"In {duration.WORDS[self.unit]}."},
                {"type": "string", "pattern": f"^(?=.){duration.PATTERN}$", "description": text},
            ]
        }

    def shown(self, value: Any) -> Any:
        """A number as a duration; anything else, which is a mistake or nothing, as it is."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return duration.written(value, self.unit) if is_number and isfinite(value) and value >= 0 else value

    def _number(self, value: object, *, whole: bool) -> object:
        if isinstance(value, str) and (cure := self._cure(value)) is not None:
            raise PydanticCustomError(MISTAKE, "{cure}", {"cure": cure})
        found = duration.read(value, self.unit) if isinstance(value, str) else value
        words = duration.WORDS[self.unit]
        if not isinstance(found, int | float) or isinstance(found, bool) or not isfinite(found):
            wanted = f"must be a duration, such as {_EXAMPLES}; a plain number is {words}"
            raise PydanticCustomError(MISTAKE, "{wanted}", {"wanted": wanted})
        if whole and found != int(found):
            raise PydanticCustomError(MISTAKE, "must be whole {words}", {"words": words})
        return int(found) if whole and isinstance(value, str) else found

    def _cure(self, text: str) -> str | None:
        """What to write in place of a text that other readers of YAML take for a number."""
        if (match := _CLOCK.fullmatch(text)) is not None:
            first, second = (int(part) for part in match.groups())
            return f"must be a duration; write {first}m{second}s, or {first}h{second}m"
        if (match := _LEADING_ZERO.fullmatch(text)) is not None:
            return f"must be a duration, and a leading 0 makes it octal in YAML; write {match[1]}{self.unit}"
        return None


_EXAMPLES = "10s, 5m, 1h30m, 2d"


def unit_in(found: Iterable[Any]) -> Duration | None:
    """Look for the `Duration` among annotations, and in those within them."""
    for each in found:
        if isinstance(each, Duration):
            return each
        if (inner := unit_in(get_args(each))) is not None:
            return inner
    return None


Seconds = Annotated[float, Duration("s")]
Days = Annotated[float, Duration("d")]
Milliseconds = Annotated[float, Duration("ms")]
WholeDays = Annotated[int, Duration("d")]
