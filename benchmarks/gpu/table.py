"""A case of the table: ``python -m benchmarks.gpu.table FOLDER CASE [--dry-run]``.

It runs `benchmarks.command` with the peers that have targets on a GPU; a dry run uses some of
the CPU's peers, on a tiny case.
"""

import sys

from benchmarks import command
from benchmarks.cases import CASES
from benchmarks.gpu.tiny import TINY

__all__ = ["DRY", "PEERS", "main"]

PEERS = (
    "bpx cupy", "bpx torch", "bpx jax", "PyTorch eager", "PyTorch CUDA graphs", "JAX scan",
    "products alone",
)  # fmt: skip
DRY = ("bpx numpy", "bpx torch", "bpx jax", "products alone")


def main() -> None:
    """Measure."""
    folder, case, *options = sys.argv[1:]
    dry = "--dry-run" in options
    if dry:
        CASES.update(TINY)
    how = ["--repeats", "1", "--window", "0"] if dry else ["--repeats", "3", "--gpu"]
    peers = ",".join(DRY if dry else PEERS)
    command.main(
        ["--out", folder, "--cases", case, "--only", "training", "--peers", peers, *how]
    )


if __name__ == "__main__":
    main()
