"""Searches that people keep: their own, and those that are shared."""
