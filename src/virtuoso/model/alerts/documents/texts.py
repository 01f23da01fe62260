"""Texts that people may say to the API: how long they are, and without control characters."""

from typing import Annotated, Final

from msgspec import Meta

from virtuoso.model.text.patterns import whole

_LINE: Final = whole(r"[^\x00-\x1f\x7f]*")
"""Text without control characters."""

Person = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]
Comment = Annotated[str, Meta(max_length=1000, pattern=_LINE)]
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=_LINE)]
LabelName = Annotated[str, Meta(pattern=whole("[A-Za-z_][A-Za-z0-9_]{0,99}"))]
LabelPattern = Annotated[str, Meta(min_length=1, max_length=200, pattern=_LINE)]
Matcher = Annotated[dict[LabelName, LabelPattern], Meta(min_length=1, max_length=20)]
