"""The file that a user begins with: every key commented out, so that what is not changed follows later defaults."""

import re
from importlib.resources import files
from pathlib import Path

_HEADER = """\
## Take the `# ` away from what you want to change, and only there: what stays commented out follows the defaults of the
## version that runs. A section whose keys are all commented out may stand as it is.
##
"""
_SECTION, _TEXT = re.compile(r"\s*[\w-]+:\s*(#.*)?"), re.compile(r"\s*(#.*)?")


def defaults_text() -> str:
    """The shipped `config.yaml`: every key with its default."""
    packaged = files("virtuoso.config") / "config.yaml"
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(__file__).parents[3] / "config" / "config.yaml").read_text("utf-8")  # a checkout


def starter_text() -> str:
    """The same with the keys commented out, but for sections, and for what the environment is asked for."""
    return _HEADER + "".join(map(_commented, defaults_text().splitlines(keepends=True)))


def _commented(line: str) -> str:
    text = line.rstrip("\n")
    if _TEXT.fullmatch(text):
        return re.sub(r"#", "##", line, count=1)
    if _SECTION.fullmatch(text) or "${" in text.partition(" #")[0]:
        return line
    indent = len(line) - len(line.lstrip())
    return f"{line[:indent]}# {line[indent:]}"
