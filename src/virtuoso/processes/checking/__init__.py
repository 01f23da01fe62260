"""Checks what a start needs, without beginning anything."""
