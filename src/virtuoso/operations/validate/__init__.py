"""Validates a running deployment: samples it for a window, judges the samples, and writes the report.

Three parts that know each other by files and plain values alone: `sampling` asks over HTTP and writes a folder of raw
samples; `judging` is pure and turns what was read of such a folder into a report; `rendering` writes the report.
"""
