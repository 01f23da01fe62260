"""The file that `--out` names: found to be writable before long work, and written after it."""

import os
from pathlib import Path

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread


def writable(out: Path) -> None:
    """Find out before anything is watched whether the file can be written after it; `UsageError` where it cannot."""
    folder = out.absolute().parent
    if out.is_dir():
        raise UsageError(f"--out {out}: is a folder; name a file in it")
    if not folder.is_dir():
        raise UsageError(f"--out {out}: there is no folder {folder}")
    if not os.access(out if out.exists() else folder, os.W_OK):
        raise UsageError(f"--out {out}: cannot be written: permission denied")


def save(out: Path, text: str) -> None:
    """Write the file; `UsageError` where it cannot be."""
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {why_unread(error)}") from error
