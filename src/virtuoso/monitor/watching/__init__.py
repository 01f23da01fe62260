"""Holds what is watched and what keeps it true: universe, history, repairs, slow data, detection, qualities."""
