"""Rules of the user: conditions on published values, in YAML."""
