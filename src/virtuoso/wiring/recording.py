"""Settings to what stays of a recording."""

from virtuoso.config import Settings
from virtuoso.recording.keeping import Keep

_GB = 1_000_000_000
_DAY_S = 86_400


def keep_of(settings: Settings, files: int | None = None) -> Keep:
    """What the settings let stay of a recording, and so many files at most."""
    kept = settings.recording
    return Keep(
        files=files,
        most_bytes=int(kept.total_gb * _GB),
        free_bytes=int(kept.free_gb * _GB),
        age_s=None if kept.keep_days is None else kept.keep_days * _DAY_S,
    )
