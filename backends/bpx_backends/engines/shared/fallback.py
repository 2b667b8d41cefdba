"""The log message for a step that runs as the plain loop, operation by operation."""

from logging import getLogger
from traceback import walk_tb

__all__ = ["tell"]

_log = getLogger("bpx")
_OWN = ("bpx", "bpx_backends", "jax", "jaxlib", "torch", "array_api_compat")


def tell(why: Exception) -> None:
    """Log that a step runs eagerly, with the function responsible and the reason."""
    _log.warning(
        "%s cannot be compiled, so steps run eagerly, operation by operation: %s",
        _place(why),
        str(why).strip().partition("\n")[0],
    )


def _place(error: Exception) -> str:
    """Name the user's function that caused the error; "a step" if there is none."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    packages = [frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames]
    for frame, package in zip(frames, packages, strict=True):
        if package not in _OWN:
            code = frame.f_code
            return f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno})"
    return "a step"
