"""Where a running Virtuoso is asked: the option `--url`, `VIRTUOSO_URL`, the configuration, or the default."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from virtuoso.cli.terminal.configuration import OF_THE_FOLDER
from virtuoso.model.errors import UsageError
from virtuoso.model.text.token_hash import is_hash

VARIABLE: Final = "VIRTUOSO_URL"
DEFAULT: Final = "http://127.0.0.1:8002"


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and where it came from, for people; `token` is the one that stands beside it, if any does."""

    url: str
    origin: str
    token: str | None = None


def address(url: str | None, config: Sequence[Path] | None, environment: Mapping[str, str] = os.environ) -> Address:
    """The address to ask, from the first place that names one.

    Args:
        url: of the option.
        config: files of the configuration; `None` = `virtuoso.yaml`, where this folder holds it.
        environment: may hold `VIRTUOSO_URL`, and variables of the configuration.

    Raises:
        UsageError: what is named is no address, or a port that only the running program knows.
        ConfigError: a file of the configuration is wrong.
    """
    if url is not None:
        return Address(_checked(url, "--url"), "--url")
    if named := environment.get(VARIABLE):
        return Address(_checked(named, VARIABLE), VARIABLE)
    files = config or [path for path in [OF_THE_FOLDER] if path.is_file()]
    if not files and not any(name.upper().startswith("VIRTUOSO__WEB__") for name in environment):
        return Address(DEFAULT, "the default")
    return _configured(files, environment)


def _configured(files: Sequence[Path], environment: Mapping[str, str]) -> Address:
    from virtuoso.config import load_with_origins  # noqa: PLC0415 - slow to import, and often not needed

    settings, layers = load_with_origins(files, environment)
    web = settings.web
    origins = dict.fromkeys(origin for key in ("host", "port") if (origin := layers.origin(("web", key))))
    origin = ", ".join(origins) or "the default"
    if web.port == 0:
        raise UsageError(
            f"{origin}: web.port = 0: a free port is taken at each start; give --url (or {VARIABLE}) the address that "
            "`virtuoso up` says"
        )
    given = None if web.token is None else web.token.get_secret_value()
    token = None if given is None or is_hash(given) else given
    return Address(f"http://{_reachable(web.host)}:{web.port}", origin, token)


def _reachable(host: str) -> str:
    """A host to connect to: where all addresses are listened on, this machine's own."""
    try:
        known = ip_address(host)
    except ValueError:
        return host
    if known.is_unspecified:
        return "127.0.0.1" if known.version == 4 else "[::1]"
    return host if known.version == 4 else f"[{host}]"


def _checked(text: str, origin: str) -> str:
    """The address with its scheme, `http` where none is given."""
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or any(letter.isspace() for letter in whole):
        raise UsageError(f"{origin} {text[:80]}: is no address; one is localhost:8002, or https://desk.example.org")
    return whole.rstrip("/")
