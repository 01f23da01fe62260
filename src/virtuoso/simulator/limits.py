"""The exchange's own limit: 600 requests in 5 s from one address, then 403 for ten minutes and longer."""

from collections import deque

REQUESTS, WINDOW_S, BAN_S = 600, 5.0, 600.0
_ADDRESSES = 256
_IN_FLIGHT_S = 0.25
"""Requests sent before the first refusal could be read are nobody's fault."""


class RequestLimit:
    """A rolling window for each address; addresses that are idle are forgotten when there are many.

    A request during a ban makes it longer by a minute, and is counted unless it was under way when the ban began.
    """

    def __init__(self, requests: int = REQUESTS, window_s: float = WINDOW_S, ban_s: float = BAN_S) -> None:
        self.requests = requests
        self.during_ban = 0
        self._window_s = window_s
        self._ban_s = ban_s
        self._seen: dict[str, deque[float]] = {}
        self._banned: dict[str, float] = {}
        self._since: dict[str, float] = {}

    def ban(self, address: str, now_s: float, for_s: float) -> None:
        """Refuse every request of an address for `for_s` seconds."""
        self._since[address] = now_s
        self._banned[address] = now_s + for_s

    def lift(self) -> None:
        """End every ban; what was counted stays."""
        self._banned.clear()
        self._since.clear()

    def is_banned(self, address: str, now_s: float) -> bool:
        """Whether an address is refused now."""
        return now_s < self._banned.get(address, 0.0)

    def allow(self, address: str, now_s: float) -> int | None:
        """Count a request at `now_s`; how many are left in the window, or `None` when it is refused."""
        if self.is_banned(address, now_s):
            self.during_ban += now_s - self._since[address] > _IN_FLIGHT_S
            self._banned[address] += self._window_s * 12
            return None
        self._banned.pop(address, None)
        if len(self._seen) >= _ADDRESSES:
            self._forget_idle(now_s)
        seen = self._seen.setdefault(address, deque(maxlen=self.requests + 1))
        while seen and seen[0] <= now_s - self._window_s:
            seen.popleft()
        seen.append(now_s)
        if len(seen) > self.requests:
            self.ban(address, now_s, self._ban_s)
            del self._seen[address]
            return None
        return self.requests - len(seen)

    def _forget_idle(self, now_s: float) -> None:
        self._seen = {a: seen for a, seen in self._seen.items() if seen and seen[-1] > now_s - self._window_s}
        self._banned = {a: until for a, until in self._banned.items() if until > now_s}
        self._since = {a: since for a, since in self._since.items() if a in self._banned}
