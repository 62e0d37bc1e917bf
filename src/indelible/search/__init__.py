"""From what a person typed to the entries they meant: query -> plan -> page.

query, moment     the language, and dates in it       hits, counted   the entries, found lazily, and how many
looks, plan       where each term looks, resolved     page, together  a page of them; what was done with one
match             whether one entry fits, read        overview        common names and bars
sieve             what a block tells without reading  suggest         how a query may go on
                                                      history         one thing, and what it was
"""
