"""Packages that are installed here, as wheels again and with their bytecode: an environment is made of them in seconds.

From an index pip looks through every version that each package ever had, 12 s of computing for what the lock file has
pinned already.
"""

import compileall
import os
import sysconfig
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import cache_from_source
from pathlib import Path
from shutil import copyfile

_HERE = (Path(sysconfig.get_path("purelib")), Path(__file__).parents[2] / "src")
_NOT_PACKED = {"INSTALLER", "REQUESTED", "direct_url.json"}
"""What pip writes beside what a wheel brings."""


def repacked(names: Iterable[str], folder: Path) -> None:
    """Write a wheel of each of these distributions into a folder; one that this machine does not need is not here."""
    folder.mkdir()
    for name in names:
        try:
            _repack(distribution(name), folder)
        except PackageNotFoundError:
            continue


def _repack(packed: Distribution, folder: Path) -> None:
    """The scripts of a wheel are made by pip anew; other files outside the folder of packages are left out."""
    assert packed.files is not None
    inside = [file for file in packed.files if not file.is_absolute() and ".." not in file.parts]
    info = next(file.parts[0] for file in inside if file.name == "WHEEL")
    lines = (packed.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ").split("-") for line in lines if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag}.whl", "w") as archive:
        for file in inside:
            if "__pycache__" not in file.parts and file.name not in _NOT_PACKED:
                archive.write(Path(str(file.locate())), str(file))


def give_bytecode(packages: Path) -> None:
    """Give another environment the bytecode that `pip install` makes; what is here already is taken from here."""
    for file in packages.rglob("*.py"):
        for here in _HERE:
            twin = here / file.relative_to(packages)
            compiled = Path(cache_from_source(str(twin)))
            if compiled.exists() and twin.stat().st_size == file.stat().st_size:
                os.utime(file, ns=(twin.stat().st_atime_ns, twin.stat().st_mtime_ns))
                taken = Path(cache_from_source(str(file)))
                taken.parent.mkdir(exist_ok=True)
                copyfile(compiled, taken)
    compileall.compile_dir(packages, quiet=2)
