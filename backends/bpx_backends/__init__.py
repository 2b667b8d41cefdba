"""The only package in bpx that names array libraries: one small module for each.

A backend is a module (or any object) with the names of `bpx.arrays.backend.Backend`.
The built-in ones are ``bpx_backends._<name>``; other packages offer theirs through the
entry-point group ``bpx.backends``. Importing this package imports no library.
"""

from importlib.util import find_spec
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["AUTO", "KNOWN", "BackendName", "Known", "bare_folder", "is_installed"]


class Known(NamedTuple):
    """The facts about a built-in backend that are known before it is imported.

    Attributes
    ----------
    package : str
        The library's top-level package, which identifies its arrays and its presence.
    install : str
        The command that installs it.
    halves : bool
        Whether it can train in 16 bits.
    """

    package: str
    install: str
    halves: bool = False


KNOWN = {
    "numpy": Known("numpy", "pip install numpy"),
    "cupy": Known(
        "cupy",
        "pip install 'cupy-cuda13x[ctk]' nvmath-python; with CUDA 12: "
        "pip install 'cupy-cuda12x[ctk]' nvmath-python",
        halves=True,
    ),
    "torch": Known("torch", "pip install torch", halves=True),
    "jax": Known("jax", "pip install jax", halves=True),
    "strict": Known("array_api_strict", "pip install array-api-strict"),
}

BackendName: TypeAlias = Literal["auto", "numpy", "cupy", "torch", "jax", "strict"]
"""The keys of `KNOWN`, and ``auto``; a device or another package's backend is free text."""

AUTO = ("cupy", "torch:cuda", "jax:gpu", "numpy")
"""The backends that ``auto`` tries, in order, until one computes."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None and bare_folder(package) is None


def bare_folder(package: str) -> str | None:
    """Return the folder without code that Python would import as a package, or None.

    Python takes any folder on its path for a package, such as ``./cupy`` with a user's scripts,
    if no package of that name is installed.
    """
    spec = find_spec(package)
    places = getattr(spec, "submodule_search_locations", None)
    has_code = getattr(spec, "origin", None) is not None
    return None if places is None or has_code else next(iter(places), None)
