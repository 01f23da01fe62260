"""What signs sessions where only the hash of a token is known: made once, for its owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError
from virtuoso.wiring.session_secret import session_secret


def test_it_is_made_once_whoever_asks_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(session_secret, [settings] * 8))
    assert found == {session_secret(settings)}
    (file,) = (tmp_path / "data").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == ("session.key", 0o600, 32)
    assert session_secret(Settings(data_dir=tmp_path / "other")) not in found


def test_what_is_no_secret_and_where_none_can_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"short")
    with pytest.raises(UsageError, match=r"session.key: has 5 bytes, not 32; remove it"):
        session_secret(Settings(data_dir=tmp_path))
    (tmp_path / "session.key").unlink()
    (tmp_path / "session.key").mkdir()
    with pytest.raises(UsageError, match=r"session.key, which signs sessions .* cannot be kept: "):
        session_secret(Settings(data_dir=tmp_path))
