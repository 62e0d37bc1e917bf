"""Exports that take long: made in the background, each into a file that whoever asked for it may take for a week.

    asked -> waiting -> running -> done
                           |-> failed (may be asked for again), cancelled

What is done to one is an entry: who asked for which entries, who took the file and when.
"""
