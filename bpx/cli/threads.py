"""The thread pools of this process, and whether its products use the CPU's AVX-512.

bpx leaves threads and BLAS as it finds them: here they are shown.
"""

from typing import Any

import numpy as np

__all__ = ["pools", "slower_kernel", "warnings"]

_AVX512 = {"X86_V4", "AVX512F"}
"""What NumPy calls AVX-512, newer and older versions of it."""
_NARROWER = {"Prescott", "Sandybridge", "Haswell", "Zen"}
"""Kernels of OpenBLAS's x86 builds that do without it."""


def pools() -> list[str]:
    """Each pool: its library, version, kernel and number of threads."""
    return [
        " ".join(
            str(part)
            for part in (each["internal_api"], each["version"], each.get("architecture"))
            if part
        )
        + f", {each['num_threads']} threads ({each['prefix']})"
        for each in _pools()
    ] or ["not known: pip install threadpoolctl"]


def warnings() -> list[str]:
    """What may make products slower than they need be."""
    built: Any = np.show_config(mode="dicts")
    simd = built.get("SIMD Extensions", {})
    found = [*simd.get("baseline", ()), *simd.get("found", ())]
    kernels = {each.get("architecture") for each in _pools() if each["user_api"] == "blas"}
    told = (slower_kernel(kernel, found) for kernel in sorted(filter(None, kernels)))
    return [text for text in told if text]


def slower_kernel(kernel: str, features: list[str]) -> str | None:
    """A warning, if OpenBLAS's kernel leaves the CPU's AVX-512 unused; else None.

    Parameters
    ----------
    kernel : str
        What threadpoolctl says, such as ``"Haswell"``.
    features : list of str
        What NumPy found the CPU to have, such as ``"X86_V4"``.
    """
    if kernel not in _NARROWER or _AVX512.isdisjoint(features):
        return None
    return (
        f"OpenBLAS runs its {kernel} kernel, which leaves this CPU's AVX-512 unused: a newer "
        "NumPy, or OPENBLAS_CORETYPE=SkylakeX in the environment, may make products faster"
    )


def _pools() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return threadpool_info()
