"""Reads bars from Parquet and CSV in bounded memory, and checks them row by row, each mistake with file and line."""
