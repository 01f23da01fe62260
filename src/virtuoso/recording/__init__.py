"""Recordings of raw exchange traffic: the file format, its writer and its reader.

A recording is a set of files `NAME.0001.vrec.zst`, `NAME.0002.vrec.zst`, …; each stands for itself and begins with its
own `Header`. A file is a row of blocks (`blocks.py`), a block holds records (`records.py`), by columns (`columns.py`)
where that is cheap; the last blocks are its index and say that the file was closed. Beside the file that is written
stands its tail `NAME.0001.vrec.tail` (`segments.py`).
"""

PUBLIC = (
    "files", "keeping", "reader", "recorder", "records", "summary", "writer",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
