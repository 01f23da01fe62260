"""Long work goes by unchanged, and says how far it is where there is no terminal."""

import time

import pytest

from virtuoso.cli.terminal.progress import told


def test_items_go_by_and_a_line_says_how_far(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now_s)
    seen = []
    for item in told(range(5_000), "replaying day", lambda: len(seen) / 5_000):
        seen.append(item)
        now_s += 0.005
    assert seen == list(range(5_000))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["replaying day: 40%", "replaying day: 80%"]
