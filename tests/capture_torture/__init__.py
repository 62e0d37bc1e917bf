"""Statements that break audit logs, and what a log must say after each; any library can be held to it."""
