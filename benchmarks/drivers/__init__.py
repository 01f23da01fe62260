"""Drivers that run in the project's own environment, each in a process of its own."""
