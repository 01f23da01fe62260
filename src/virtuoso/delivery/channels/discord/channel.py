"""A Discord webhook as a channel: send, replace in place, add a chart."""

import re
from hashlib import blake2s
from typing import Any

import msgspec

from virtuoso.delivery.channels.discord.embed import embed_of
from virtuoso.delivery.channels.discord.wire import CHART, Answer, Wire
from virtuoso.delivery.channels.protocol import ChannelError, Rejected, Sent
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.notice import Notice
from virtuoso.model.errors import ConfigError

_URL = re.compile(r"(https?://[^/\s?#@]+)/api(?:/v\d+)?/webhooks/(\d{1,20})/([\w.-]+)/?", re.ASCII)
_API_URL = re.compile(r"https?://[^/\s?#@]+(/[^\s?#]*)?")
_DISCORD = re.compile(r"https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com", re.IGNORECASE)
_OFFICIAL = "https://discord.com/api/v10"


class Ref(msgspec.Struct, frozen=True):
    """What a sent message is known by, kept as JSON: its id, and whether a chart is in it."""

    id: str
    chart: bool = False


class DiscordChannel:
    """Implements `Channel`, `Editing` and `Illustrating`.

    Args:
        name: as configured.
        url: `https://HOST/api/webhooks/ID/TOKEN`, a secret.
        api_url: base of the API, in place of the one at the webhook's host (at Discord: https://discord.com/api/v10).
        timeout_s: of a request from its start to the last byte of the answer.
        key: under which it is configured, for errors.
    """

    def __init__(
        self, name: str, url: str, *, api_url: str | None = None, timeout_s: float = 10.0, key: str | None = None
    ) -> None:
        self.name = name
        self._key = key or f"channel {name}"
        parts = _URL.fullmatch(url.strip())
        host, webhook, token = parts.groups() if parts else ("", "0", url)
        base = api_url or (_OFFICIAL if _DISCORD.fullmatch(host) else f"{host}/api/v10")
        self._sound, self._base_sound = parts is not None, _API_URL.fullmatch(base) is not None
        self.fingerprint = blake2s(f"{base}|{webhook}|{token}".encode(), digest_size=16).hexdigest()
        self._wire = Wire(base, int(webhook), token, timeout_s)

    def validate(self) -> None:
        """See `Channel.validate`. The URL is in no text: whoever reads it can post."""
        if not self._sound:
            raise ConfigError(
                f"{self._key}: its webhook URL (not shown: it is a secret) must be "
                "https://HOST/api/webhooks/ID/TOKEN, as Discord shows it under Integrations → Webhooks → Copy URL"
            )
        if not self._base_sound:
            raise ConfigError(f"{self._key}: api_url must be like {_OFFICIAL}, with no query in it")

    def render(self, notice: Notice, *, repeat: bool) -> dict[str, Any]:
        """See `Channel.render`: one embed, as the API takes it."""
        return embed_of(notice, repeat=repeat)

    async def send(self, message: dict[str, Any]) -> Sent:
        """Post `message` as a new message of the webhook; see `Channel.send`."""
        return await self._done(None, message, None, chart=False)

    async def edit(self, ref: str, message: dict[str, Any]) -> Sent:
        """See `Editing.edit`; a chart that is there stays."""
        known = _known(ref)
        return await self._done(known.id, message, None, chart=known.chart)

    async def illustrate(self, ref: str, message: dict[str, Any], png: bytes) -> Sent:
        """See `Illustrating.illustrate`; a chart that is there is replaced."""
        return await self._done(_known(ref).id, message, png, chart=True)

    async def close(self) -> None:
        """Close the connections to Discord."""
        await self._wire.close()

    async def _done(self, message_id: str | None, embed: dict[str, Any], png: bytes | None, *, chart: bool) -> Sent:
        if chart:
            embed = {**embed, "image": {"url": f"attachment://{CHART}"}}
        failure: ChannelError
        try:
            if message_id is None:
                answer = await self._wire.post(embed)
            else:
                answer = await self._wire.patch(message_id, embed, png)
        except ChannelError as error:
            failure = error
        else:
            return _sent(answer, message_id, chart=chart)
        raise failure.with_traceback(None)  # frames below hold the token, and tracebacks may show their values


def from_spec(spec: ChannelSpec) -> DiscordChannel:
    """For the entry point. Options: `api_url`. Raises `ConfigError`."""
    spec.check_options("api_url")
    api_url = spec.options.get("api_url")
    return DiscordChannel(spec.name, spec.url or "", api_url=str(api_url) if api_url else None, key=spec.key)


def _sent(answer: Answer, message_id: str | None, *, chart: bool) -> Sent:
    known = answer.message or message_id
    ref = None if known is None else msgspec.json.encode(Ref(known, chart)).decode()
    return Sent(ref=ref, wait_s=answer.wait_s)


def _known(ref: str) -> Ref:
    try:
        known = msgspec.json.decode(ref, type=Ref)
    except msgspec.DecodeError:
        known = None
    if known is None or not (known.id.isascii() and known.id.isdigit()):
        raise Rejected("what is kept of the message is not a Discord message's reference; it cannot be changed")
    return known
