"""`virtuoso validate` of a folder of samples, and what it says to wrong use."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from virtuoso.cli.terminal.address import address
from virtuoso.cli.validate import app, configured, of_the_folder
from virtuoso.cli.validate_report import without
from virtuoso.config import Settings
from virtuoso.model.errors import UsageError
from virtuoso.operations.validate.folder import read_samples
from virtuoso.operations.validate.judgement import judged
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
        (("-o", "no-such-folder/report.md"), "--out no-such-folder/report.md: there is no folder"),
        (("-o", "."), "is a folder"),
    ],
)
def test_wrong_use_is_said(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        run(*arguments)


def test_a_report_that_cannot_be_written_is_said_all_the_same(samples: str) -> None:
    done = CliRunner().invoke(app, ["--samples", samples, "-o", "/dev/full"])
    assert isinstance(done.exception, UsageError)
    assert done.stdout.startswith("# Validation report")


@pytest.mark.parametrize(
    ("asked", "text", "used"),
    [
        (None, "web: {port: 9000}", True),
        ("localhost:9000", "web: {port: 9000}", True),
        ("desk.example.org:9000", "web: {port: 9000}", False),
        ("localhost:9001", "web: {port: 9000}", False),
        ("localhost:9000", "web: {port: 0}", False),
        ("localhost:9000", "web: {prot: 9000}", False),
    ],
)
def test_the_file_of_the_folder_is_used_for_its_own_deployment_alone(
    asked: str | None, text: str, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("virtuoso.yaml").write_text(text)
    assert bool(of_the_folder(address(asked, None, {}))) == used


def test_no_secret_of_the_configuration_is_in_the_report(samples: str) -> None:
    report = judged(read_samples(Path(samples)))
    assert "1287692" in str(report)
    hidden = without(frozenset({"1287692", "unknown"}), report)
    assert "1287692" not in str(hidden)
    assert [check.verdict for check in hidden.checks] == [check.verdict for check in report.checks]


def test_the_address_of_the_exchange_is_told_without_its_user() -> None:
    settings = Settings.model_validate({"exchange": {"rest_url": "https://me:word@host.example/x"}})
    assert configured(settings)["exchange.address"] == "https://host.example/x"
    settings = Settings.model_validate({"exchange": {"name": "okx"}})
    assert configured(settings)["exchange.address"] == "okx", "as the status says it of what ccxt serves"
