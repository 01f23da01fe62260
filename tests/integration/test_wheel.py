"""The wheel: built as `make wheel` does, installed by pip into an environment with nothing in it, and used there.

What it needs comes from the packages that are installed here (`tests/support/wheels.py`), and in the long form from an
index.
"""

import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.soak import SOAK
from tests.support.wheels import give_bytecode, repacked

pytestmark = pytest.mark.slow

MOST_MB = 250
"""With everything that it needs, and the bytecode that pip makes of it, without extras."""
MARKETS = 15


def done(*line: str, cwd: Path, seconds: float = 60) -> str:
    """Run to the end, in the environment of someone who has no checkout; what was printed."""
    ran = subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=plain(), timeout=seconds, check=False)
    assert ran.returncode == 0, f"{line}: {ran.stderr[-3000:]}"
    return ran.stdout


def plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUOSO", "VIRTUAL"))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def wheel(root: Path, place: Path) -> Path:
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place), cwd=root)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(root: Path, place: Path, wheel: Path) -> Path:
    """The folder of the commands of an environment that holds the wheel and what it needs, as the lock file pins it."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (root / "requirements.lock").read_text(), re.MULTILINE)
    (place / "constraints.txt").write_text("\n".join(f"{name}=={version}" for name, version in pins))
    environment = place / "environment"
    done(sys.executable, "-m", "venv", "--without-pip", str(environment), cwd=place)
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "--disable-pip-version-check", "install", "-q"]
    if not SOAK:
        repacked([name for name, _ in pins], place / "packages")
        pip += ["--no-index", "--find-links", "packages", "--no-compile"]
    done(*pip, "-c", "constraints.txt", str(wheel), cwd=place, seconds=200)
    if not SOAK:
        give_bytecode(next((environment / "lib").glob("python*/site-packages")))
    return environment / "bin"


@contextmanager
def demo(scripts: Path, folder: Path) -> Iterator[Program]:
    """`virtuoso demo`, until the block ends."""
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [str(scripts / "virtuoso"), "demo", "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True,
            cwd=folder, env=plain(),
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            said = [process.stdout.readline(), process.stdout.readline()]
            address = re.search(r"http://127\.0\.0\.1:\d+", said[1])
            assert address, (said, (folder / "log").read_text())
            yield Program(address[0], process)
        finally:
            process.terminate()
    assert process.returncode == 0


def test_it_holds_what_is_no_code(root: Path, wheel: Path) -> None:
    """Each file of the package that git knows, and the configuration."""
    tracked = done("git", "ls-files", "src/virtuoso", cwd=root).split()
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        assert archive.read("virtuoso/config/config.yaml") == (root / "config/config.yaml").read_bytes()
    assert {name.removeprefix("src/") for name in tracked} <= held
    assert wheel.name.startswith("virtuoso_monitor-"), "`virtuoso` is another product on the index"


def test_it_is_small(scripts: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [path for path in (place / "environment").rglob("*") if path.is_file() and not path.is_symlink()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    with capsys.disabled():
        print(f"\nthe wheel with what it needs: {megabytes:.0f} MB")
    assert 100 < megabytes <= MOST_MB


def test_it_runs_the_demo_and_draws_a_chart(scripts: Path, tmp_path: Path) -> None:
    assert done(str(scripts / "virtuoso"), "--version", cwd=tmp_path).startswith("virtuoso ")
    with demo(scripts, tmp_path) as program:
        program.until("it is healthy", lambda: program.answer("/health")[0] == 200, 60)

        def scored() -> bool:
            rows = program.ask("/api/signals/top?limit=50")["signals"]
            return len([row for row in rows if row["score"] is not None]) == MARKETS

        program.until("all markets are scored", scored, 60)
        for path, holds in (
            ("/signals", b"/static/app/assets/"),
            ("/docs", b"<html"),
            ("/openapi.json", b"/api/signals"),
        ):
            with urllib.request.urlopen(program.url + path, timeout=30) as answer:
                assert holds in answer.read(), path
    png = tmp_path / "chart.png"
    program_text = f"""
import asyncio
from pathlib import Path
from virtuoso.delivery.chart import Charts, Picture
from virtuoso.model.alerts.notice import Candles

async def main():
    charts = Charts(limit_s=60)
    picture = Picture(title="x", candles=Candles("1m", (0, 60000), *[(1.0, 2.0)] * 4))
    Path({str(png)!r}).write_bytes(await charts.draw(picture))
    await charts.close()

asyncio.run(main())
"""
    done(str(scripts / "python"), "-c", program_text, cwd=tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "extra", "package"),
    [
        (["backtest", "bars.csv"], "parquet", "pyarrow"),
        (["export", "bars", "-o", "bars.parquet"], "parquet", "pyarrow"),
        (["analyze", "BTCUSDT", "-c", "okx.yaml"], "ccxt", "ccxt"),
        (["config", "check", "-c", "server.yaml"], "postgresql", "psycopg"),
    ],
)
def test_it_says_which_extra_is_missing(
    scripts: Path, tmp_path: Path, arguments: list[str], extra: str, package: str
) -> None:
    (tmp_path / "okx.yaml").write_text("exchange: {name: okx}\n")
    (tmp_path / "server.yaml").write_text("database: {url: 'postgresql://127.0.0.1/x'}\nweb: {port: 0}\n")
    line = [str(scripts / "virtuoso"), *arguments]
    ran = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=plain(), timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran.stderr
    assert f"needs {package}, which is not installed; install the wheel with its extra" in ran.stderr
    assert f".whl[{extra}]" in ran.stderr
