"""Revisions, one file each; a file that was released is never changed."""
