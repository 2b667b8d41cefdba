"""Report the thread pools of this process, and whether BLAS uses the CPU's AVX-512.

bpx never changes the threads or the BLAS; this module only shows them.
"""

from typing import Any

import numpy as np

__all__ = ["notes", "pools", "slower_kernel", "warnings"]

_AVX512 = {"X86_V4", "AVX512F"}
"""The names of AVX-512 in newer and older versions of NumPy."""
_NARROWER = {"Prescott", "Sandybridge", "Haswell", "Zen"}
"""The x86 kernels of OpenBLAS that do not use AVX-512."""


def pools() -> list[str]:
    """Return a line for each pool: its library, version, kernel and number of threads."""
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
    """Return a warning for each cause of slow matrix products that is found."""
    built: Any = np.show_config(mode="dicts")
    simd = built.get("SIMD Extensions", {})
    found = [*simd.get("baseline", ()), *simd.get("found", ())]
    kernels = {each.get("architecture") for each in _pools() if each["user_api"] == "blas"}
    told = (slower_kernel(kernel, found) for kernel in sorted(filter(None, kernels)))
    return [text for text in told if text]


def notes() -> list[str]:
    """Return what to set for several trainings at once, if BLAS has more than one thread."""
    most = max(
        (each["num_threads"] for each in _pools() if each["user_api"] == "blas"), default=1
    )
    if most == 1:
        return []
    return [
        f"each product runs on {most} threads; if several threads train at once, leave it one: "
        "OMP_NUM_THREADS=1 in the environment, or threadpoolctl.threadpool_limits(1)"
    ]


def slower_kernel(kernel: str, features: list[str]) -> str | None:
    """Return a warning if OpenBLAS's kernel leaves the CPU's AVX-512 unused, else None.

    Parameters
    ----------
    kernel : str
        The kernel that threadpoolctl reports, such as ``"Haswell"``.
    features : list of str
        The CPU features that NumPy found, such as ``"X86_V4"``.
    """
    if kernel not in _NARROWER or _AVX512.isdisjoint(features):
        return None
    return (
        f"OpenBLAS runs its {kernel} kernel, which does not use this CPU's AVX-512; a newer "
        "NumPy, or OPENBLAS_CORETYPE=SkylakeX in the environment, may make products faster"
    )


def _pools() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return threadpool_info()
