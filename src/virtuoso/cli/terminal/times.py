"""Times as people give them to options."""

from datetime import UTC, datetime

from virtuoso.model.errors import UsageError


def epoch_ms(option: str, text: str) -> int:
    """Epoch ms of a time given as ISO 8601 (UTC unless it says otherwise) or epoch ms.

    Raises:
        UsageError: it is neither.
    """
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: must be ISO 8601, such as 2026-08-09T21:26:57Z, or epoch ms") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
