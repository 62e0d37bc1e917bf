"""Capture on PostgreSQL: statement triggers that write a statement's rows, as text, into one row of a queue."""
