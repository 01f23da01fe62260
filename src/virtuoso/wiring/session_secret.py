"""What sessions are signed by where the configuration knows tokens by their hashes alone: made once, then kept."""

import os
import secrets
from pathlib import Path
from typing import Final

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError

_NAME: Final = "session.key"
_BYTES: Final = 32


def session_secret(settings: Settings) -> bytes:
    """Read the secret of sessions, or make it: a file of the data folder that only its owner may read.

    All processes of a web have the same, whichever of them makes it.

    Raises:
        UsageError: it can be neither read nor made.
    """
    path = session_file(settings)
    try:
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"data_dir = {settings.data_dir}: {_NAME}, which signs sessions where web.token is a hash, cannot be kept: "
            f"{error.strerror}"
        ) from error
    if len(found) != _BYTES:
        raise UsageError(f"{path}: has {len(found)} bytes, not {_BYTES}; remove it, and people log in again")
    return found


def session_file(settings: Settings) -> Path:
    """Return where the secret is kept, once there is one."""
    return settings.data_dir / _NAME


def _make(path: Path) -> None:
    """Write it whole under another name first: who comes second takes what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink(missing_ok=True)
