"""Texts made of values and values made of texts: numbers for people, and YAML."""
