"""Builds the documents that are published, each from the state that a pass left."""
