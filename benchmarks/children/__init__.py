"""Programs that a measurement starts in an interpreter of their own: see `benchmarks.fresh`.

The imports at the top of each are from the standard library: all others are timed.
"""
