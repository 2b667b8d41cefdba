"""A deep network's first step, and its later ones, in a process of its own."""

import json
import sys
from statistics import median
from time import process_time
from typing import Any


def main() -> None:
    """Read the job, and print the seconds and the microseconds."""
    job = json.load(sys.stdin)
    began = process_time()
    if job["numba"]:
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()  # the rest of numba's own imports
        cpu_target.target_context.refresh()
    imports = process_time() - began
    print(json.dumps({"imports": imports, **_trained(**job)}))


def _trained(depth: int, steps: int, epochs: int, numba: bool) -> dict[str, Any]:
    import numpy as np

    import bpx

    rng = np.random.default_rng(0)
    x = rng.standard_normal((64 * steps, 20), dtype=np.float32)
    y = rng.integers(2, size=len(x)).astype("int32")
    net = bpx.Network([20, *[32] * depth, 2], seed=0, backend="numpy")
    how: Any = {"batch_size": 64, "optimizer": bpx.Adam(), "seed": 0}
    began = process_time()
    next(bpx.train(net, (x[:64], y[:64]), epochs=1, **how))
    first = process_time() - began
    course, times = bpx.train(net, (x, y), epochs=1 + epochs, **how), list[float]()
    next(course)
    for _ in range(epochs):
        began = process_time()
        next(course)
        times.append((process_time() - began) / steps * 1e6)
    return {"first": first, "microseconds": median(times)}


if __name__ == "__main__":
    main()
