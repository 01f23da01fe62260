"""What an exchange is, from what its good answers announce."""

from virtuoso.model.quality import DataSource, worst_source


class Origin:
    """The least real thing the exchange has been since the start: what came from it then is still computed from.

    REST and streams announce it apart. An answer that announces nothing is the real exchange's; a name that is not
    known is no exchange's that we could believe.
    """

    def __init__(self) -> None:
        self._latest: dict[str, DataSource] = {}
        self.source: DataSource | None = None
        """`None` until something good came."""

    def announced(self, place: str, name: str | None) -> None:
        """Note what a good answer from `place` announced (`REST`, `streams`), with this announcement."""
        try:
            latest = DataSource(name) if name else DataSource.LIVE
        except ValueError:
            latest = DataSource.SYNTHETIC
        self._latest[place] = latest
        self.source = latest if self.source is None else worst_source((self.source, latest))

    @property
    def change(self) -> str | None:
        """What is odd about the announcements; `None` as long as all are the same."""
        odd = {place: latest for place, latest in self._latest.items() if latest is not self.source}
        if not odd:
            return None
        said = " and ".join(f"its {place} say {latest}" for place, latest in odd.items())
        return f"the exchange is no longer what it was: {said}, and it was {self.source}; start anew to forget that"
