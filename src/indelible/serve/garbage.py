"""When a server looks for garbage."""

import gc

THRESHOLDS = (50_000, 20, 20)  # new objects until one looks among them: a request has some 20,000


def spare_the_living() -> None:
    """What is there as a server begins stays: looking through it for garbage took a fifth of what a request takes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
