"""Discord's limits of a message, written from its documentation and not from our code; counted in UTF-16 units."""

from collections.abc import Iterator
from typing import Any

_EMBED = {"title": 256, "description": 4096}
_FIELD = {"name": 256, "value": 1024}
_FIELDS = 25
_EMBEDS = 10
_TOTAL = 6000
_CONTENT = 2000


def units(text: str) -> int:
    """Length in UTF-16 code units, never less than in characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def refusal(payload: dict[str, Any], files: dict[str, bytes], kept: set[str], *, new: bool) -> dict[str, Any] | None:
    """The body of Discord's 400, or `None` if it takes the message; `kept` are names of files already there."""
    embeds = payload.get("embeds") or []
    if new and not (payload.get("content") or embeds or files):
        return {"message": "Cannot send an empty message", "code": 50006}
    errors = dict(_embed_errors(embeds))
    if units(payload.get("content") or "") > _CONTENT:
        errors["content"] = f"Must be {_CONTENT} or fewer in length."
    if len(embeds) > _EMBEDS:
        errors["embeds"] = f"Must be {_EMBEDS} or fewer in length."
    if sum(_size(embed) for embed in embeds) > _TOTAL:
        errors["embeds"] = "Embed size exceeds maximum size of 6000"
    listed = payload.get("attachments")
    indices = {f"files[{one['id']}]": one.get("filename") for one in listed or ()}
    for part in files:
        if part not in indices:
            errors["attachments"] = f"{part} is not listed"
    names = {name for name in indices.values() if name} | (kept if listed is None else set())
    for embed in embeds:
        url = embed.get("image", {}).get("url", "")
        if url.startswith("attachment://") and url.removeprefix("attachment://") not in names:
            errors["embeds.image"] = "The attachment does not exist"
    if not errors:
        return None
    shown = {name: {"_errors": [{"code": "BASE_TYPE", "message": text}]} for name, text in errors.items()}
    return {"message": "Invalid Form Body", "code": 50035, "errors": shown}


def _size(embed: dict[str, Any]) -> int:
    fields = embed.get("fields") or []
    return (
        sum(units(embed.get(name) or "") for name in _EMBED)
        + sum(units(one.get(name) or "") for one in fields for name in _FIELD)
        + units(embed.get("footer", {}).get("text") or "")
        + units(embed.get("author", {}).get("name") or "")
    )


def _embed_errors(embeds: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for index, embed in enumerate(embeds):
        at = f"embeds.{index}"
        for name, limit in _EMBED.items():
            if units(embed.get(name) or "") > limit:
                yield f"{at}.{name}", f"Must be {limit} or fewer in length."
        if len(embed.get("fields") or []) > _FIELDS:
            yield f"{at}.fields", f"Must be {_FIELDS} or fewer in length."
        for number, one in enumerate(embed.get("fields") or []):
            for name, limit in _FIELD.items():
                if not (one.get(name) or "").strip():
                    yield f"{at}.fields.{number}.{name}", "This field is required"
                if units(one.get(name) or "") > limit:
                    yield f"{at}.fields.{number}.{name}", f"Must be {limit} or fewer in length."
        if units(embed.get("footer", {}).get("text") or "") > 2048:
            yield f"{at}.footer.text", "Must be 2048 or fewer in length."
        if units(embed.get("author", {}).get("name") or "") > 256:
            yield f"{at}.author.name", "Must be 256 or fewer in length."
        if not 0 <= embed.get("color", 0) <= 0xFFFFFF:
            yield f"{at}.color", "int value should be between 0 and 16777215."
        if not (embed.get("title") or embed.get("description") or embed.get("fields")):
            yield at, "An embed needs something to show"
