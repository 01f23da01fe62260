"""The process that draws charts: `python -m virtuoso.delivery.chart_process IDLE_S`, started by `Charts`.

It answers until its input ends or nobody asked for `IDLE_S` seconds. On both pipes there are frames of a 4-byte
big-endian length and so many bytes: in a picture as MessagePack, out a PNG, or nothing if it cannot be drawn.
"""

import os
import select
import sys

import msgspec

from virtuoso.delivery.chart import Picture
from virtuoso.delivery.drawing import render


def _answer(frame: bytes) -> bytes:
    try:
        return render(msgspec.msgpack.decode(frame, type=Picture))
    except (ValueError, ArithmeticError):
        return b""


def _read(count: int) -> bytes:
    """So many bytes of the input; fewer if it ends."""
    read = b""
    while len(read) < count and (chunk := os.read(0, count - len(read))):
        read += chunk
    return read


def _serve(idle_s: float) -> None:
    os.nice(10)  # a picture has time, the market has not
    _send(b"ready")
    while select.select([0], [], [], idle_s)[0]:
        head = _read(4)
        if len(head) < 4:
            return
        _send(_answer(_read(int.from_bytes(head))))


def _send(answer: bytes) -> None:
    sys.stdout.buffer.write(len(answer).to_bytes(4) + answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
