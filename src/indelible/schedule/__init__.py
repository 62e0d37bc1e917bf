"""What is done by itself at set times: each run once, however many processes serve, and caught up once after a rest.

`times` says when; `runs` is what is written down of each run; `scheduler` runs them.
"""
