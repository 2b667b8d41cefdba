"""The peak bytes of training, above what is resident after the imports.

On Linux this is the high-water mark of the resident set, which is reset after the imports. On a
GPU it is the free memory of the device at the beginning less that at the end: the libraries
keep the memory that they once took.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
EPOCHS = 2


def main() -> None:
    """Read the job, train two epochs, and print the bytes."""
    job = json.load(sys.stdin)
    for name in job["imports"]:
        import_module(name)
    from benchmarks.cases import problem
    from benchmarks.fresh import unpacked

    peer, case, device = unpacked(job)
    import_module(f"benchmarks.peers.{peer.module}")
    grown = _on_gpu() if device == "cuda" else _on_host()
    train = peer.trains(problem(case, device=device))
    for _ in range(EPOCHS):
        train()
    print(json.dumps({"bytes": grown()}))


def _on_host() -> Callable[[], int]:
    CLEAR.write_text("5", encoding="ascii")  # VmHWM = VmRSS
    before = _kilobytes("VmRSS")
    return lambda: 1024 * (_kilobytes("VmHWM") - before)


def _kilobytes(name: str) -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _on_gpu() -> Callable[[], int]:
    from benchmarks import cuda

    before = cuda.free()
    return lambda: before - cuda.free()


if __name__ == "__main__":
    main()
