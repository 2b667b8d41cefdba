"""Programs that a measurement starts in an interpreter of their own: see `benchmarks.fresh`.

What stands at the head of each is of the standard library: all else is imported when timed.
"""
