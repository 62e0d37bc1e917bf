"""What finds entries fast: blocks of them, in files beside the log (ADR 23 and 30).

Made of the log by who follows it, never written into again, and thrown away at will: what is not in a block is found
by reading. It is trusted with nothing: `verify` makes each block again and compares.

    sets      which entries of a block; an integer        making    a block's bytes, from entries
    grams     texts, as three characters at a time        block     reading them
    image     tables and columns in one run of bytes      folder    the files; what is in them
    kept      what was found in blocks                    same      whether two say the same
                                                          indexer   follows the log
"""
