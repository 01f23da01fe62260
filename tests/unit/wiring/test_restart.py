"""Which keys a reload cannot apply is told by their values, and no secret by it."""

from pathlib import Path
from typing import Any

import pytest

from virtuoso.config import Settings, load
from virtuoso.wiring.restart import changed_keys, fixed_keys


def settings(folder: Path, text: str) -> Settings:
    path = folder / "virtuoso.yaml"
    path.write_text(text)
    return load([path], {})


def changed(folder: Path, before: str, after: str) -> tuple[str, ...]:
    return changed_keys(fixed_keys(settings(folder, before)), fixed_keys(settings(folder, after)))


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ("universe: {size: 3}", "universe: {size: 4}", ()),
        ("monitoring: {interval: 5}", "monitoring: {interval: 6, alerts: {cooldown: 5}}", ()),
        ("analysis: {band: {up: 60}}", "analysis: {band: {up: 61}}", ()),
        ("web: {port: 1}", "web: {port: 2}", ("web.port",)),
        ("identity: one", "identity: two", ("identity",)),
        ("{}", "cache: {tiers: [memory, redis]}", ("cache.tiers",)),
        ("{}", "cache: {cleanup_interval: 7}", ()),
        ("{}", "analysis: {factors: {volume: {enabled: false}}}", ("analysis.factors.volume.enabled",)),
        ("{}", "monitoring: {alerts: {keep: 300}}", ("monitoring.alerts.keep",)),
        (
            "{market_data: {mode: poll}, monitoring: {interval: 60}}",
            "{market_data: {mode: poll}, monitoring: {interval: 70}}",
            ("monitoring.interval",),
        ),
        (
            "web: {token: aaaaaaaaaaaaaaaaaaaa}",
            "web: {token: bbbbbbbbbbbbbbbbbbbb, port: 5}",
            ("web.port", "web.token"),
        ),
    ],
)
def test_what_needs_a_restart(tmp_path: Path, before: str, after: str, keys: tuple[str, ...]) -> None:
    assert changed(tmp_path, before, after) == keys


def test_no_secret_stands_in_the_fingerprints(tmp_path: Path) -> None:
    found: dict[str, Any] = fixed_keys(settings(tmp_path, "web: {token: aaaaaaaaaaaaaaaaaaaa}"))
    assert "aaaaaaaaaaaaaaaaaaaa" not in repr(found)
    assert len(found["web.token"]) > 20
