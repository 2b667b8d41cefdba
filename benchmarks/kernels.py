"""BLAS runs the kernels that it chooses for this processor, in every program of this folder.

``OPENBLAS_CORETYPE`` and ``OPENBLAS_L2_SIZE`` make OpenBLAS, and so NumPy, multiply with the
kernels of another processor. PyTorch and JAX do not read them, so a comparison would be one of
kernels. OpenBLAS reads them when NumPy is imported: they are unset before that. The processes
that a program starts inherit its environment.
"""

import sys
from collections.abc import MutableMapping

__all__ = ["FORCING", "UNSET", "told", "unforce"]

FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
UNSET: dict[str, str] = {}
"""What this process has unset, and the value that it had."""


def unforce(environment: MutableMapping[str, str]) -> None:
    """Unset the variables, and say so. This must come before NumPy is imported."""
    found = {name: environment.pop(name) for name in FORCING if name in environment}
    UNSET.update(found)
    if found:
        print(f"unset, so that BLAS runs this processor's kernels: {told()}", file=sys.stderr)


def told() -> str:
    """Return the variables that were unset, with their values."""
    return ", ".join(f"{name}={value}" for name, value in UNSET.items())
