"""The report in its order, whatever it is written as: headings, paragraphs and tables of plain texts."""

from collections.abc import Iterator

from msgspec.structs import replace

from virtuoso.model.text.numbers import number_text
from virtuoso.operations.validate.judging.words import seconds
from virtuoso.operations.validate.report import Check, Report, Section, Table, Verdict

WORDS = {
    Verdict.PASS: "PASS", Verdict.FAIL: "FAIL", Verdict.OBSERVED: "OBSERVATION", Verdict.UNKNOWN: "NOT EXAMINED",
}  # fmt: skip
TITLE = "Validation report"


def sections(report: Report) -> Iterator[Section]:
    """Every section of the report: the summary first, the samples last."""
    yield _summary(report)
    for section in report.sections:
        yield replace(
            section, tables=(*(each for each in section.tables if each.rows or each.note), *_verdicts(section))
        )
    yield _matrix(report)
    yield _risks(report)
    yield Section(title="Decision", text=(report.decision, _meaning(report)))
    yield _requests(report)
    yield _files(report)


def head(report: Report) -> list[str]:
    """Write the lines that stand above the summary: deployment, window, sampler."""
    window = f"{report.began} to {report.ended} ({seconds(report.seconds)}"
    wanted = f" of {seconds(report.window_s)} that were wanted)" if report.window_s is not None else ")"
    lines = [
        f"Deployment: {report.url}",
        f"Window: {window}{wanted}",
        f"Sampled by: {f'Virtuoso {report.by}' if report.by else 'somebody else'}",
    ]
    if report.partial:
        lines.append("PARTIAL: the window was ended before it was over.")
    return lines


def _summary(report: Report) -> Section:
    checks = report.checks
    failed = [check for check in checks if check.verdict is Verdict.FAIL]
    seen = [check for check in checks if check.verdict is Verdict.OBSERVED]
    findings = tuple(
        (WORDS[check.verdict], f"{check.criterion}: {check.test}", check.evidence) for check in (*failed, *seen)
    )
    metrics = Table(title="Metrics", columns=("what", "is"), rows=report.metrics)
    table = Table(title="Findings", columns=("verdict", "what", "evidence"), rows=findings)
    return Section(title="Summary", text=(report.decision,), tables=(metrics, *([table] if findings else [])))


def _verdicts(section: Section) -> tuple[Table, ...]:
    rows = tuple((WORDS[check.verdict], check.test, check.evidence) for check in section.checks)
    return (Table(title="Checks", columns=("verdict", "test", "evidence"), rows=rows),) if rows else ()


def _matrix(report: Report) -> Section:
    rows, criterion = [], ""
    for check in report.checks:
        same = check.criterion == criterion
        rows.append(("" if same else check.criterion, check.test, check.evidence, WORDS[check.verdict]))
        criterion = check.criterion
    table = Table(title="Criteria", columns=("criterion", "test", "evidence", "verdict"), rows=tuple(rows))
    return Section(title="Traceability matrix", tables=(table,))


def _risks(report: Report) -> Section:
    grave = [check for check in report.checks if check.verdict in {Verdict.FAIL, Verdict.OBSERVED}]
    rows = tuple(
        ("high" if check.verdict is Verdict.FAIL else "low", f"{check.criterion}: not “{check.test}”", _mend(check))
        for check in grave
    )
    unknown = tuple(
        ("unknown", f"{check.criterion}: “{check.test}” was not examined", check.evidence)
        for check in report.checks if check.verdict is Verdict.UNKNOWN
    )  # fmt: skip
    table = Table(title="Risks", columns=("severity", "what", "what to do"), rows=(*rows, *unknown))
    return Section(title="Risks and recommendations", tables=(table,) if table.rows else ())


def _mend(check: Check) -> str:
    return check.mend or "nothing needs to be done; know of it"


def _meaning(report: Report) -> str:
    if report.passed:
        return (
            "Everything that was examined held. What was not examined is listed as such, and no part of this decision."
        )
    if report.partial:
        return "A window that was not watched to its end shows nothing of what was not seen. Let it run whole."
    return "It does not pass while a check fails; each is named above, with what to look at first."


def _requests(report: Report) -> Section:
    rows = tuple((request,) for request in report.requests)
    table = Table(title="Requests", columns=("request",), rows=rows)
    return Section(title="Appendix A: what was asked", tables=(table,) if rows else ())


def _files(report: Report) -> Section:
    rows = tuple(
        (file.name, number_text(file.lines), number_text(file.bytes, 12), file.sha256) for file in report.samples
    )
    table = Table(title="Files", columns=("file", "lines", "bytes", "SHA-256"), rows=rows)
    text = ("`virtuoso validate --samples DIR` judges the same files again; `--save DIR` keeps them.",)
    return Section(title="Appendix B: raw samples", text=text, tables=(table,) if rows else ())
