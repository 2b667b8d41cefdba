"""Measurements, run as modules from the repository's root.

- ``python -m benchmarks``: bpx beside its peers, in one run: training, inference, memory, the
  first step, and the floor below them
- ``python -m benchmarks.gpu``: on a GPU a first look, its tests and the table, in one call
- ``python -m benchmarks.book``: the accuracies of Nielsen's book, over seeds
- ``python -m benchmarks.imports``: what ``import bpx`` costs over ``import numpy``
- ``python -m benchmarks.against COMMIT``: the present code against that of an earlier commit

Each prints Markdown, and writes the numbers behind it with ``--out``.
"""
