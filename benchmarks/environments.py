"""A locked environment of its own for each peer, in `build/peers/<name>`: plain venv + pip with hashes."""

import hashlib
import subprocess
import sys
from pathlib import Path

LOCKS = Path(__file__).parent / "peers"
ENVIRONMENTS = Path(__file__).parent.parent / "build/peers"
STAMP = "lock.sha256"


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, made if it is missing or its lock file has changed.

    Raises:
        SystemExit: it could not be installed; the message says what failed.
    """
    lock = LOCKS / f"{name}.lock"
    home = ENVIRONMENTS / name
    python = home / "bin/python"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    stamp = home / STAMP
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"installing the environment of {name} …", file=sys.stderr, flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(home)], [*pip, "-r", str(lock)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cannot install {name}: {' '.join(command)}\n{done.stderr[-2_000:]}")
    stamp.write_text(digest)
    return python
