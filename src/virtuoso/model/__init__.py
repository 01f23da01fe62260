"""The ground floor: the typed, frozen words that every other room speaks."""
