"""Capture on SQLite: row triggers that keep values as they are, in a queue in the same file."""
