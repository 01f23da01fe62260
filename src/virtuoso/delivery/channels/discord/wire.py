"""One request to a webhook through discord.py: it makes what goes over the wire, and neither waits nor tries again.

discord.py's own adapter sleeps on 429 and 5xx, and for the rest of a used-up rate limit. That waiting must be the
outbox's, which keeps it over a restart; so the adapter is replaced, in the context of the request and nowhere else.
"""

import io
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its voice part imports audioop
    import discord
    from discord.http import Route
    from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from virtuoso.delivery.channels.discord.answers import document_of, failure_of, wait_of
from virtuoso.delivery.channels.protocol import ChannelError, Unreachable

CHART = "chart.png"
_LARGEST = 1 << 20
_AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py {discord.__version__})"
"""Discord may refuse clients that do not say this of themselves."""
_QUIET = discord.AllowedMentions.none()
_FORM: dict[str, Any] = {
    "channel_id": "0", "type": 0, "content": "", "attachments": [], "embeds": [], "mentions": [], "mention_roles": [],
    "edited_timestamp": None, "pinned": False, "mention_everyone": False, "tts": False,
    "author": {"id": "0", "username": "", "discriminator": "0000", "avatar": None},
}  # fmt: skip
"""What discord.py is given as the answer: a message of our own making, so that no answer can break it."""


class Answer:
    """Of one request: the message's id (`None` = it was accepted and has no id) and how long to wait then."""

    def __init__(self) -> None:
        self.message: str | None = None
        self.wait_s = 0.0


class Wire:
    """A webhook at `api_url` (like https://discord.com/api/v10). Used by one task at a time; `timeout_s` in all."""

    def __init__(self, api_url: str, webhook: int, token: str, timeout_s: float) -> None:
        self._api_url, self._webhook, self._token = api_url.rstrip("/"), webhook, token
        # a connection that is not there after half of the time will not bring an answer in the other half; and only
        # so is it known whether the request was out when the time was over
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, embed: dict[str, Any]) -> Answer:
        """A new message. Raises `ChannelError`."""
        shown = discord.Embed.from_dict(embed)
        return await self._ask(lambda hook: hook.send(embed=shown, allowed_mentions=_QUIET, wait=True))

    async def patch(self, message: str, embed: dict[str, Any], png: bytes | None) -> Answer:
        """Replace a message's embed; its files stay unless `png` takes their place. Raises `ChannelError`."""
        # of attachments that are not mentioned Discord keeps all; of those that are, all others go
        files: dict[str, Any] = {} if png is None else {"attachments": [discord.File(io.BytesIO(png), CHART)]}
        shown = discord.Embed.from_dict(embed)
        number = int(message)
        return await self._ask(
            lambda hook: hook.edit_message(number, embed=shown, allowed_mentions=_QUIET, **files)
        )  # fmt: skip

    async def close(self) -> None:
        """Close the HTTP session, if one was opened."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, call: Callable[[discord.Webhook], Awaitable[Any]]) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers={"User-Agent": _AGENT})
        adapter = _Adapter(self._api_url)
        hook = discord.Webhook.partial(self._webhook, self._token, session=self._session)
        before = async_context.set(adapter)
        try:
            await call(hook)
        finally:
            async_context.reset(before)
        return adapter.answer


class _Adapter(AsyncWebhookAdapter):
    """One try, to another base; answers and failures in the outbox's terms, without the address in them."""

    def __init__(self, api_url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._api_url = api_url
        self.answer = Answer()

    async def request(
        self, route: Route, session: aiohttp.ClientSession, *, payload: dict[str, Any] | None = None,
        multipart: list[dict[str, Any]] | None = None, files: Sequence[discord.File] | None = None,
        params: dict[str, Any] | None = None, **_: Any,
    ) -> Any:  # fmt: skip
        url = self._api_url + route.url.removeprefix(Route.BASE)
        form: aiohttp.FormData | None = None
        if multipart:
            form = aiohttp.FormData(quote_fields=False)
            for part in multipart:
                form.add_field(**part)
        failure: ChannelError | None
        try:
            async with session.request(
                route.method, url, data=form, json=payload, params=params, allow_redirects=False
            ) as response:
                body = await _read(response.content)
                failure = failure_of(response.status, response.headers, _without(body, route.webhook_token))
                self.answer.wait_s = wait_of(response.headers)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            failure = _unanswered(error)
        if failure is not None:  # raised here, so that it carries no error with an address in it
            raise failure
        message = document_of(body).get("id")
        if isinstance(message, str) and message.isascii() and message.isdigit() and len(message) <= 20:
            self.answer.message = message
        return {**_FORM, "id": self.answer.message or "0"}


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Read the body of an answer, up to 1 MiB of it."""
    read = bytearray()
    while len(read) < _LARGEST and (chunk := await content.readany()):
        read += chunk
    return bytes(read[:_LARGEST])


def _without(body: bytes, token: str | None) -> bytes:
    """A host may repeat the address in its words."""
    return body.replace(token.encode(), b"***") if token else body


def _unanswered(error: Exception) -> Unreachable:
    connecting = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
    maybe_sent = not isinstance(error, connecting)
    if isinstance(error, TimeoutError):
        text = "no answer in time" if maybe_sent else "no connection in time"
    else:
        text = "the connection broke before the answer" if maybe_sent else "no connection"
    return Unreachable(f"{text} ({type(error).__name__})", maybe_sent=maybe_sent)
