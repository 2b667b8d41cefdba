"""Measurements, run as modules from the repository's root.

- ``python -m benchmarks`` times bpx beside its peers in one run: training, inference, memory,
  the first step, and the floor below them
- ``python -m benchmarks.gpu`` checks bpx on a GPU, runs the GPU tests and times the cases
- ``python -m benchmarks.book`` reproduces the accuracies of Nielsen's book, over seeds
- ``python -m benchmarks.mixed_tables`` trains on three tables beside scikit-learn
- ``python -m benchmarks.single`` times single calls: a prediction, a step, an epoch of one step
- ``python -m benchmarks.imports`` times ``import bpx`` beside ``import numpy``
- ``python -m benchmarks.against COMMIT`` compares the present code with an earlier commit
- ``python -m benchmarks.depth`` times the first step and the later ones of deep networks
- ``python -m benchmarks.threads`` times two trainings in two threads at once
- ``python -m benchmarks.scaling`` times two ranks beside one, and beside PyTorch's

Each prints Markdown, and writes the numbers behind it with ``--out``. Python imports this file
before that of a program, so before NumPy: see `benchmarks.kernels`.
"""

import os
import sys

from benchmarks.kernels import unforce

if sys.argv[:1] == ["-m"]:  # Python is looking for the program that it will run
    unforce(os.environ)
