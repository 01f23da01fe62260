"""Which build of the program this is."""

from functools import cache
from hashlib import blake2s
from pathlib import Path

import virtuoso

_ROOT = Path(virtuoso.__file__).parent


@cache
def build() -> str:
    """The version, and a hash of the program's own source files (12 hex digits): `0.1.0+4f0c2b8a91de`.

    The same files give the same build wherever they were installed from; one changed letter gives another. Takes some
    hundredths of a second, once.
    """
    return f"{virtuoso.__version__}+{_hash_of(_ROOT)}"


def _hash_of(root: Path) -> str:
    """A hash of all Python files below a folder, by their paths and bytes."""
    found = blake2s(digest_size=6)
    for path in sorted(root.rglob("*.py")):
        body = path.read_bytes()
        found.update(f"{path.relative_to(root).as_posix()}\0{len(body)}\0".encode() + body)
    return found.hexdigest()
