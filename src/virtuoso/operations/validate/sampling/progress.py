"""How far a window is, and what went wrong in it so far."""

from dataclasses import dataclass, field

from virtuoso.model.text.duration import written
from virtuoso.operations.validate.samples import Sample


@dataclass(slots=True)
class Progress:
    """How far a window is, for people."""

    seconds: float
    elapsed_s: float = 0.0
    cycles: int = 0
    answers: int = 0
    failed: int = 0
    notes: list[str] = field(default_factory=list)
    """What went wrong since it was read last, a line each."""
    _known: set[str] = field(default_factory=set)

    def count(self, sample: Sample, documented: str) -> None:
        """Count an answer; what is wrong with a route is noted once."""
        self.answers += 1
        if sample.status is None or sample.status >= 400:
            self.failed += 1
            said = sample.error or f"status {sample.status}"
            self.note(f"{documented}: {said}")

    def said(self) -> str:
        """What was seen so far, in a line."""
        far = f"{written(round(self.elapsed_s))} of {written(round(self.seconds))}"
        return f"{far} · {self.cycles:,} cycles since its start · {self.answers:,} answers, {self.failed:,} failed"

    def noted(self) -> list[str]:
        """What went wrong since it was asked last, a line each."""
        notes, self.notes = self.notes, []
        return notes

    def note(self, text: str) -> None:
        """Note something for the report, the first time that it is said."""
        if text not in self._known and len(self._known) < 1_000:
            self._known.add(text)
            self.notes.append(text)
