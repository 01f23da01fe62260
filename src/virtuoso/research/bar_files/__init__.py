"""Bars from Parquet and CSV: read in bounded memory, checked row by row, told with file and line."""
