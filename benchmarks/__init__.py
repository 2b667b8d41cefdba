"""Measurements, run as modules from the repository's root.

- ``python -m benchmarks.book``: the accuracies of Nielsen's book, over seeds
- ``python -m benchmarks.speed``: microseconds a training step, beside the peers in one run
- ``python -m benchmarks.imports``: what ``import bpx`` costs over ``import numpy``

Each prints Markdown, and writes the numbers behind it as JSON with ``--out``.
"""
