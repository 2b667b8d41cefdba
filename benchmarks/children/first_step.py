"""Seconds from the imports to the end of the first training step."""

import json
import sys
from importlib import import_module
from time import perf_counter


def main() -> None:
    """Read the job, and print the seconds of the imports and of the first step."""
    job = json.load(sys.stdin)
    began = perf_counter()
    for name in job["imports"]:
        import_module(name)
    imports = perf_counter() - began
    print(json.dumps({"imports": imports, "step": _first_step(job)}))


def _first_step(job: dict) -> float:
    from benchmarks.cases import problem
    from benchmarks.fresh import unpacked

    peer, case, device = unpacked(job)
    numbers = problem(case, device=device)
    import_module(f"benchmarks.peers.{peer.module}")
    began = perf_counter()
    peer.trains(numbers)()
    return perf_counter() - began


if __name__ == "__main__":
    main()
