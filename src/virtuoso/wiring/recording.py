"""Settings to what stays of a recording, and to what it says of them."""

from hashlib import blake2s

import msgspec

from virtuoso.config import Settings
from virtuoso.operations.build import build
from virtuoso.recording.keeping import Keep
from virtuoso.wiring.parts import kernel_parts

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


def recorded_settings(settings: Settings) -> dict[str, str]:
    """What a recording says of the program and its settings: its build, and a hash of what analysis goes by."""
    parts = msgspec.json.encode(kernel_parts(settings), enc_hook=str, order="deterministic")
    return {"program": build(), "configuration": blake2s(parts, digest_size=8).hexdigest()}
