"""Finds files of bars on the disk, and reads each format in parts."""
