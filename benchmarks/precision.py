"""float32 for all peers alike: all matrix products in full precision, or all in TF32.

CuPy reads ``CUPY_TF32`` at its first product; fresh interpreters read it too.
"""

import os
import sys

__all__ = ["apply", "settle"]


def settle(tf32: bool) -> None:
    """Set the precision of this process and its children, before any library is imported."""
    os.environ["CUPY_TF32"] = str(int(tf32))
    # Otherwise JAX takes three quarters of the GPU's memory from the others.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"


def apply() -> None:
    """Set the switches of the libraries that are imported by now."""
    tf32 = os.environ.get("CUPY_TF32") == "1"
    if torch := sys.modules.get("torch"):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
    if jax := sys.modules.get("jax"):
        precision = "tensorfloat32" if tf32 else "highest"
        jax.config.update("jax_default_matmul_precision", precision)
