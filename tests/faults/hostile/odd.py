"""How an exchange is made odd: what a case's functions take and give."""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9


@dataclass(frozen=True, slots=True)
class Wire:
    """One WebSocket frame as it goes over the wire."""

    payload: bytes
    opcode: int = TEXT
    fin: bool = True

    def encoded(self) -> bytes:
        size = len(self.payload)
        first = (0x80 if self.fin else 0) | self.opcode
        if size < 126:
            head = struct.pack("!BB", first, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        return head + self.payload


@dataclass(frozen=True, slots=True)
class Answer:
    """A REST answer: `chunks` are sent one by one, `every_s` apart; without any the connection is cut."""

    chunks: Iterable[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 0.0


Out = Json | str | bytes | Wire
FrameEdit = Callable[[Json], Iterable[Out] | None]
"""What goes out in place of a message of a topic (or of a reply, which has none); `None`: it goes as it is."""
BodyEdit = Callable[[Json, Mapping[str, str]], Json | Answer | None]
"""What answers in place of a body, given the query; `None`: the body as it is."""
Asked = Callable[[Json], Iterable[tuple[str, Json]] | None]
"""What becomes of a request on a stream: messages that go "up" to the exchange or "down" in answer."""


@dataclass(frozen=True, slots=True)
class Edit:
    """How the exchange is made odd. `harmless`: what goes out still says the truth, however oddly."""

    frames: Mapping[str, FrameEdit] = field(default_factory=dict)
    """By pattern of the topic; replies are `reply`. The first that matches is used."""
    bodies: Mapping[str, BodyEdit] = field(default_factory=dict)
    """By the end of the path, `*` for every one."""
    asked: Asked | None = None
    accept: str = "pass"
    """What becomes of a new stream: pass | close | silent | refuse | trickle."""
    harmless: bool = False


class Told(list[Out]):
    """Frames that still tell the truth, though they are not the exchange's own."""


class Nameless(list[Out]):
    """Frames that do not say whose they are: nobody can tell them from frames that were lost."""
