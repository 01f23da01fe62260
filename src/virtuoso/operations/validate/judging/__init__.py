"""Judges samples: pure functions from what was seen to sections of the report. They ask nobody and have no clock."""
