"""Texts that must look a certain way: what is wrong with one is said in words, not by a pattern."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from virtuoso.config.values.durations import MISTAKE


@dataclass(frozen=True, slots=True)
class Matching:
    """Holds a text to a pattern; `wanted` says to people what that asks for."""

    pattern: str
    wanted: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after it is found to be one."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """State the pattern in the JSON schema of the configuration."""
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        if re.search(self.pattern, text) is None:
            raise PydanticCustomError(MISTAKE, "{wanted}", {"wanted": f"must be {self.wanted}"})
        return text


PlainName = Annotated[
    str, Matching(r"^[A-Za-z0-9_.-]{1,60}\Z", "1 to 60 letters of A–Z and a–z, digits, and _ . -, such as monitor-2")
]
"""What becomes part of file names and keys of stores."""
ChannelName = Annotated[
    str, Matching(r"^[a-z0-9][a-z0-9_-]{0,59}\Z", "1 to 60 small letters, digits, _ and -, not _ or - at first")
]
ExchangeName = Annotated[
    str, Matching(r"^(ccxt:)?[a-z0-9]+\Z", "bybit or the name that ccxt has for an exchange, such as okx or ccxt:bybit")
]
WebLink = Annotated[str, Matching(r"^https?://[^\s/]+[^\s]*\Z", "a web address, such as https://host:8002")]
TimeOfDay = Annotated[str, Matching(r"^([01]\d|2[0-3]):[0-5]\d\Z", "a time of day, such as '08:00'")]
