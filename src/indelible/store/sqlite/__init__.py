"""The log in a file of its own, through `apsw`."""
