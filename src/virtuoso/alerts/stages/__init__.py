"""Decides of which incidents people are notified, by pure functions.

In order: inhibit → silence → dedup → cooldown → budget → group → route.
"""
