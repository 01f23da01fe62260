"""Recordings of raw exchange traffic: the file format, its writer and its reader.

A recording is a set of files `NAME.0001.vrec.zst`, `NAME.0002.vrec.zst`, …; each stands for itself and begins with its
own `Header`. A file is a row of blocks (`blocks.py`), a block holds records (`records.py`), and the last block says
that the file was closed. `zstd -d` takes the compression off; what remains are msgpack records, each after its length.
"""

PUBLIC = (
    "reader", "recorder", "records",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
