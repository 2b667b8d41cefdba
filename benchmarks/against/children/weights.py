"""Train every row, and write what the networks then hold into one .npz file.

The job has ``backend``; ``modes``, of ``compiled`` and ``eager``; ``slow``, whether each row
is trained in some dtypes and modes alone; ``rows``, a pattern of their names; and ``out``. An
array is named by the row, the dtype and the mode. ``about`` is JSON, and says of each training
whether it is to be repeated in each bit, and why it failed if it did.
"""

import json
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from start import begin

Arrays = dict[str, Any]


def main() -> None:
    """Read the job, train, and write."""
    job = begin()
    import numpy as np

    arrays: Arrays = {}
    about: dict[str, dict[str, Any]] = {}
    for row, dtype, mode in _trainings(job):
        name = f"{row} | {dtype} | {mode}"
        about[name] = {"exact": row.exact, "failed": None}
        try:
            arrays |= _named(name, _trained(row, job["backend"], dtype, mode == "compiled"))
        except Exception as error:
            about[name]["failed"] = f"{type(error).__name__}: {error}"
    if not about:
        sys.exit(f"no row has a name like {job['rows']!r}")
    np.savez(job["out"], about=np.array(json.dumps(about)), **arrays)


def _trainings(job: dict[str, Any]) -> Iterator[tuple[Any, str, str]]:
    from rows import rows

    chosen = [row for row in rows() if fnmatchcase(str(row), job["rows"])]
    for row, dtype, mode in product(chosen, ("float32", "float64"), job["modes"]):
        if not job["slow"] or row.taken(dtype, mode):
            yield row, dtype, mode


def _trained(row: Any, backend: str, dtype: str, compiled: bool) -> Any:
    from rows import BATCH, EPOCHS, RULES, SIZES

    import bpx

    reference = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
    settings = {"sizes": SIZES, **reference, **row.network}
    net = bpx.Network(**settings, seed=3, backend=backend, dtype=dtype)
    how = {"epochs": EPOCHS, "batch_size": BATCH, **row.training}
    how |= {"seed": 1} if row.seeded else {}
    data = _data(settings["sizes"], row.samples, row.targets)
    net.fit(*data, optimizer=RULES[row.rule], lmbda=row.lmbda, compile=compiled, **how)
    return net


def _data(sizes: tuple[int, ...], samples: int, targets: str) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.standard_normal((samples, sizes[0]))
    labels = rng.integers(2 if targets == "binary" else sizes[-1], size=samples)
    return x, rng.standard_normal((samples, sizes[-1])) if targets == "numbers" else labels


def _named(name: str, net: Any) -> Arrays:
    """The network's arrays, on the host."""
    import bpx

    groups = {"w": net.weights, "b": net.biases, "B": net.feedback}
    return {
        f"{name} | {kind}{i}": bpx.to_host(array)
        for kind, group in groups.items()
        for i, array in enumerate(group, 1)
    }


if __name__ == "__main__":
    main()
