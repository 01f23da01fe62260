"""Conditions become incidents. Pure: times are passed in."""
