"""Bodies of requests: JSON alone, so that no form of another site can post one; bounded, and strictly decoded."""

from typing import Any, Final, TypeVar

import msgspec
from fastapi import HTTPException, Request

from virtuoso.web.openapi import reference

T = TypeVar("T")
MOST_BYTES: Final = 65_536


async def decoded(request: Request, kind: type[T]) -> T:
    """The body. Problems: 415 (not called JSON), 413 (more than 64 KB), 422 (not what is wanted)."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise HTTPException(415, f"the content type is {said or 'missing'}; send JSON, as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"the body has more than {MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(422, str(error)) from error


def taking(struct: type[msgspec.Struct], example: Any) -> dict[str, Any]:
    """What FastAPI documents of a route that takes such a body."""
    content = {"application/json": {"schema": reference(struct), "example": example}}
    return {"requestBody": {"required": True, "content": content}}
