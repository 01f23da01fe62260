"""Lets a process speak as its configuration says."""

from virtuoso.config import Settings
from virtuoso.config.keys import secret_texts
from virtuoso.model.errors import UsageError
from virtuoso.operations import logs
from virtuoso.operations.log_file import LogFile


def speak(settings: Settings, level: str | None = None, *, to_file: bool = True) -> None:
    """Set up the logs of this process, at `level` where that is not for the settings to say.

    Without `to_file` the file of the logs is left alone: it is that of whoever goes on running.

    Raises:
        UsageError: the file of the logs cannot be written.
    """
    said = settings.logging
    file = None
    if to_file and said.file is not None:
        try:
            file = LogFile(said.file, said.file_mb << 20, said.file_keep)
        except OSError as error:
            raise UsageError(f"logging.file = {said.file}: cannot be written: {error.strerror}") from error
    logs.configure(level or said.level, said.format, secret_texts(settings), file)
