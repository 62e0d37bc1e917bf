"""Thin wrappers over the command line; LOG and APP come from the settings."""
