"""Keeps what is due when: at most one time for each key."""

from heapq import heapify, heappop, heappush

_SLACK = 64


class Timers:
    """Holds times in epoch milliseconds. It is as large as the number of keys, whatever is set and dropped."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def set(self, key: str, due_ms: int) -> None:
        """Set the time of `key`, in place of the one it had."""
        if self._due.get(key) == due_ms:
            return
        self._due[key] = due_ms
        heappush(self._heap, (due_ms, key))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapify(self._heap)

    def drop(self, key: str) -> None:
        """Remove the time set for `key`, if there is one."""
        self._due.pop(key, None)

    def pop(self, now_ms: int) -> list[str]:
        """Take out those that are due by now, the earliest first."""
        found = []
        while (next_ms := self.next_ms) is not None and next_ms <= now_ms:
            key = heappop(self._heap)[1]
            del self._due[key]
            found.append(key)
        return found

    @property
    def next_ms(self) -> int | None:
        """The earliest time that is due, in epoch milliseconds; `None` if nothing is set."""
        heap, due = self._heap, self._due
        while heap and due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None


def earliest(*times: int | None) -> int | None:
    """Return the first of the times that are known."""
    return min((at for at in times if at is not None), default=None)
