"""The exchange's own limit: 600 requests in 5 s from one address, then 403 for ten minutes."""

from collections import deque

REQUESTS, WINDOW_S, BAN_S = 600, 5.0, 600.0


class RequestLimit:
    """A rolling window for each address; every address that is idle is forgotten."""

    def __init__(self, requests: int = REQUESTS, window_s: float = WINDOW_S, ban_s: float = BAN_S) -> None:
        self.requests = requests
        self._window_s = window_s
        self._ban_s = ban_s
        self._seen: dict[str, deque[float]] = {}
        self._banned: dict[str, float] = {}

    def allow(self, address: str, now_s: float) -> int | None:
        """Count a request at `now_s`; how many are left in the window, or `None` when it is refused."""
        if now_s < self._banned.get(address, 0.0):
            return None
        self._banned.pop(address, None)
        seen = self._seen.setdefault(address, deque(maxlen=self.requests + 1))
        while seen and seen[0] <= now_s - self._window_s:
            seen.popleft()
        seen.append(now_s)
        if len(seen) > self.requests:
            self._banned[address] = now_s + self._ban_s
            del self._seen[address]
            return None
        return self.requests - len(seen)
