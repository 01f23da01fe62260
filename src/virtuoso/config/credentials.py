"""Secrets that systemd hands over as files (`LoadCredential=`), each named as the variable that it stands for."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = "CREDENTIALS_DIRECTORY"
"""The variable by which systemd tells a service where they are."""
PREFIX: Final = "virtuoso_"
"""How their names begin in the unit that is shipped; it is no part of a variable's name."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST: Final = 1 << 16


def with_credentials(environment: Mapping[str, str]) -> tuple[Mapping[str, str], list[str]]:
    """Add the credentials of a service to its environment, and say of each that cannot be used why.

    A variable that is set wins over a credential of its name. A last line feed is no part of a secret.
    """
    if not (folder := environment.get(FOLDER)):
        return environment, []
    found, mistakes = {}, []
    try:
        files = sorted(file for file in Path(folder).iterdir() if file.is_file())
    except OSError as error:
        return environment, [f"{FOLDER} = {folder}: {error.strerror}"]
    for file in files:
        name = file.name.removeprefix(PREFIX)
        if _NAME.fullmatch(name) is None:
            continue
        try:
            with file.open("rb") as opened:
                text = opened.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                mistakes.append(f"{file}: is longer than 64 KiB; a credential is one secret")
                continue
            found[name] = text.decode().removesuffix("\n")
        except OSError as error:
            mistakes.append(f"{file}: {error.strerror}")
        except UnicodeDecodeError:
            mistakes.append(f"{file}: is not text in UTF-8")
    return {**found, **environment}, mistakes
