"""float32 for all alike: the matrix products in full, or all of them in TF32.

CuPy reads ``CUPY_TF32`` at its first product; it is also what tells the fresh interpreters.
"""

import os
import sys

__all__ = ["apply", "settle"]


def settle(tf32: bool) -> None:
    """For this process and those that it starts; before any library is imported."""
    os.environ["CUPY_TF32"] = str(int(tf32))
    # JAX would take three quarters of the GPU's memory from the others.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"


def apply() -> None:
    """The switches of the libraries that are here by now."""
    tf32 = os.environ.get("CUPY_TF32") == "1"
    if torch := sys.modules.get("torch"):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
    if jax := sys.modules.get("jax"):
        precision = "tensorfloat32" if tf32 else "highest"
        jax.config.update("jax_default_matmul_precision", precision)
