"""The thread pools of this process, and whether its products run as fast as they could.

bpx leaves threads and BLAS as it finds them: here they are shown.
"""

from typing import Any

import numpy as np

__all__ = ["pools", "slower_kernel", "warnings"]

_WIDTHS = ("SSE", "AVX", "AVX2", "AVX-512")
"""Vector instructions, the wider the faster."""
_KERNELS = {
    **dict.fromkeys(("SkylakeX", "Cooperlake", "SapphireRapids"), "AVX-512"),
    **dict.fromkeys(("Haswell", "Zen", "Excavator"), "AVX2"),
    **dict.fromkeys(("Sandybridge", "Bulldozer", "Piledriver", "Steamroller"), "AVX"),
    **dict.fromkeys(
        ("Prescott", "Core2", "Penryn", "Dunnington", "Atom", "Nehalem", "Athlon", "Opteron",
         "Opteron_SSE3", "Barcelona", "Bobcat", "Katmai", "Coppermine", "Northwood", "Banias"),
        "SSE"),
}  # fmt: skip
"""What OpenBLAS's x86 kernels use."""
_FEATURES = {"X86_V4": "AVX-512", "AVX512F": "AVX-512", "X86_V3": "AVX2", "AVX2": "AVX2"}
"""What NumPy calls the CPU's."""


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
    """What makes the products slower than they need be."""
    built: Any = np.show_config(mode="dicts")
    simd = built.get("SIMD Extensions", {})
    found = [*simd.get("baseline", ()), *simd.get("found", ())]
    kernels = {each.get("architecture") for each in _pools() if each["user_api"] == "blas"}
    told = (slower_kernel(kernel, found) for kernel in sorted(filter(None, kernels)))
    return [text for text in told if text]


def slower_kernel(kernel: str, features: list[str]) -> str | None:
    """A warning, if OpenBLAS's kernel has narrower vectors than the CPU; else None.

    Parameters
    ----------
    kernel : str
        OpenBLAS's architecture, such as ``"Haswell"``.
    features : list of str
        What NumPy found the CPU to have, such as ``"X86_V4"``.
    """
    has = max(
        (_FEATURES[f] for f in features if f in _FEATURES), key=_WIDTHS.index, default="SSE"
    )
    uses = _KERNELS.get(kernel, has)
    if _WIDTHS.index(uses) >= _WIDTHS.index(has):
        return None
    better = {"AVX-512": "SkylakeX", "AVX2": "Haswell"}[has]
    return (
        f"OpenBLAS runs its {kernel} kernel ({uses}), but this CPU has {has}: products are "
        f"slower than they could be; a newer NumPy, or OPENBLAS_CORETYPE={better}, may mend it"
    )


def _pools() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return threadpool_info()
