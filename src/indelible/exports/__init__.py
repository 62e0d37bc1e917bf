"""Exports that take long: made in the background, each into a file that whoever asked for it may take for a week.

    asked -> waiting -> running -> done
                           |-> failed -> waiting, if it is wanted again

Whoever asked for one may give it up at any time: then it is not there any more.

What is done to one is an entry: who asked for which entries, who took the file and when.
"""
