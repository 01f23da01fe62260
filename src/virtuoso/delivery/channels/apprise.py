"""Notices through Apprise: Slack, Telegram, e-mail and a hundred others, each by an address of its own form."""

import asyncio
import logging

import apprise

from virtuoso.delivery.channels.plain import body_of, cut, link_of, moment, signal_link_of, title_of, without_markup
from virtuoso.delivery.channels.protocol import Sent, Unreachable
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Notice, Role
from virtuoso.model.errors import ConfigError

_LIMIT_S = 10.0
_TITLE, _BODY = 200, 1_500
_TYPES = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """One address of Apprise's; texts are plain, and no service finds markup or a mention in them."""

    def __init__(self, spec: ChannelSpec) -> None:
        self.name = spec.name
        self.fingerprint = spec.fingerprint
        self._spec = spec
        self._apprise = apprise.Apprise()
        _silence()

    def validate(self) -> None:
        """Check options and address; raises `ConfigError` if Apprise cannot use the address."""
        self._spec.check_options()
        if not len(self._apprise) and not self._apprise.add(self._spec.url or ""):
            raise ConfigError(
                f"{self._spec.key}.url = ***: Apprise cannot use it; see `apprise --details` for the forms"
            )

    def render(self, notice: Notice, *, repeat: bool) -> dict[str, str]:
        """Write title and body as Apprise takes them."""
        resolved = notice.role is Role.RESOLVED
        body = without_markup(cut(body_of(notice) or moment(notice.at_ms), _BODY))
        links = [link for link in (link_of(notice), signal_link_of(notice)) if link is not None]
        return {
            "title": without_markup(cut(" ".join(title_of(notice, repeat=repeat).split()), _TITLE)),
            "body": "\n\n".join([body, *links]),
            "notify_type": apprise.NotifyType.SUCCESS if resolved else _TYPES[notice.severity],
            "body_format": apprise.NotifyFormat.TEXT,
        }

    async def send(self, message: dict[str, str]) -> Sent:
        """Hand it to Apprise, within 10 s. What went wrong it does not say but in logs that hold addresses."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                accepted = bool(await self._apprise.async_notify(**message))
        except TimeoutError:
            raise Unreachable(f"Apprise did not finish in {_LIMIT_S:g} s", maybe_sent=True) from None
        except Exception as error:  # noqa: BLE001 - a plugin's: its text may hold the address
            raise Unreachable(f"Apprise failed: {type(error).__name__}") from None
        if not accepted:
            raise Unreachable("Apprise could not send it")
        return Sent()

    async def close(self) -> None:
        """Do nothing: the channel holds no connections."""


def make(spec: ChannelSpec) -> AppriseChannel:
    """Make the channel from its configuration; the entry point `virtuoso.channels` names this function."""
    return AppriseChannel(spec)


def _silence() -> None:
    """Apprise logs addresses; nothing that it says is severe enough from now on."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
