"""The Matplotlib axes that a picture is drawn into."""

from typing import Any

from bpx.errors import InputError

__all__ = ["axes_for"]


def axes_for(ax: Any) -> Any:
    """Return the given axes, or those of a new figure.

    Raises
    ------
    InputError
        If `ax` is something else, or Matplotlib is not installed.
    """
    if ax is not None:
        if not hasattr(ax, "plot"):
            raise InputError(
                f"ax is a {type(ax).__name__}; expected Matplotlib axes, one of those that "
                "pyplot.subplots() makes, such as axes[0]"
            )
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise InputError(
            "plots need Matplotlib, which is not installed; install it with: "
            "pip install matplotlib"
        ) from error
    return pyplot.subplots(layout="constrained")[1]
