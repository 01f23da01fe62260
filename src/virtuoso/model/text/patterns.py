"""Patterns that all of a text must match, as JSON Schema and Python read them."""


def whole(inner: str) -> str:
    """Write the pattern of texts that are `inner` from end to end: to Python `$` alone lets a newline follow."""
    return rf"^(?:{inner})(?!\n)$"
