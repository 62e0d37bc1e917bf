"""Summaries by mail: every day, week or month, of all entries or of a saved view, of one organization or of all.

`digests` is who gets them; `contents` is what is in one; `writing` makes a letter of it. A digest follows the log by
sequence number, so each entry is in one and in no other, whenever it is made.
"""
