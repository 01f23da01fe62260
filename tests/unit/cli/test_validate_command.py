"""`virtuoso validate` of a folder of samples, and what it says to wrong use."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from virtuoso.cli.validate import app
from virtuoso.model.errors import UsageError
from virtuoso.operations.validate.report import Report


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and standard output; an error of the command is raised."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return done.exit_code, done.stdout


@pytest.fixture
def samples(root: Path) -> str:
    return str(root / "tests" / "data" / "validation_report")


@pytest.mark.parametrize(
    ("form", "begins"), [("md", "# Validation report"), ("html", "<!doctype html>"), ("json", "{")]
)
def test_a_folder_of_samples_is_judged_in_every_format(samples: str, form: str, begins: str) -> None:
    code, said = run("--samples", samples, "--format", form)
    assert code == 1
    assert said.startswith(begins)


def test_a_report_of_json_is_a_baseline(samples: str, tmp_path: Path) -> None:
    out = tmp_path / "before.json"
    assert run("--samples", samples, "--format", "json", "-o", str(out))[0] == 1
    assert msgspec.json.decode(out.read_bytes(), type=Report).decision.startswith("FAIL")
    said = run("--samples", samples, "--baseline", str(out))[1]
    assert "what held before holds" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--window", "soon"), "must be a duration"),
        (("--window", "0s"), "must be a duration"),
        (("--baseline", "no-such-file"), "--baseline no-such-file"),
        (("--samples", "no-such-folder"), "holds no samples"),
        (("--send-test-alert",), "name the configuration"),
    ],
)
def test_wrong_use_is_said(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        run(*arguments)
