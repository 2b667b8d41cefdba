"""Where an estimator computes: its `backend`, or the place of its samples' arrays."""

from typing import Any, cast

import numpy as np
from sklearn import get_config
from sklearn.utils._array_api import get_namespace

from bpx.arrays.choice import Dtype
from bpx.arrays.home import Home, select
from bpx.arrays.registry import backend_of
from bpx.arrays.transfer import bring, to_host
from bpx.errors import BackendError, InputError

__all__ = ["beside", "check_beside", "float_dtypes", "home_of", "on_host"]


def home_of(x: Any, backend: str | None, dtype: str, instead: str = "") -> Home:
    """Return the home of a fit on samples x.

    Parameters
    ----------
    x : array of any library, or sparse matrix
        As scikit-learn's validation returns it: with ``array_api_dispatch=True``, arrays of
        PyTorch, CuPy and others stay what they are.
    backend : str or None
        None for the library and device of x; where that is NumPy, for bpx's own choice.
    dtype : str
    instead : str, optional
        What else the caller can do where the backend has no float64.

    Raises
    ------
    BackendError
        If the backend cannot be used, or not in this dtype.
    """
    library = backend_of(x)
    if backend is None and library is not None and not isinstance(x, np.ndarray):
        return Home(library, library.device_of(x), None, cast("Dtype", dtype))
    try:
        return select(backend, dtype)
    except BackendError as error:
        if not instead or "float64" not in str(error):
            raise
        raise BackendError(f"{error}; or {instead}") from error


def float_dtypes(x: Any) -> tuple[Any, Any]:
    """Return the dtypes that samples keep; others become float64."""
    xp, _ = get_namespace(x)
    return xp.float64, xp.float32


def check_beside(x: Any, fitted: Any, method: str) -> None:
    """Refuse samples of another library or device than those of the fit.

    scikit-learn asks for it with ``array_api_dispatch=True``; without, all samples are NumPy's.

    Parameters
    ----------
    x : samples
    fitted : array
        A fitted attribute.
    method : str
        The caller, such as ``"MLPClassifier.predict()"``.
    """
    if not get_config()["array_api_dispatch"]:
        return
    given, own = _place(x), _place(fitted)
    if given != own:
        raise InputError(
            f"Inputs passed to {method} must use the same namespace and the same device as "
            f"those passed to fit(), which were {own}; {given} was given; move them there"
        )


def _place(x: Any) -> str:
    library = backend_of(x)
    if library is None:  # a sparse matrix or a DataFrame, which is NumPy's
        return "numpy on cpu"
    return f"{library.name} on {library.device_of(x)}"


def on_host(y: Any) -> Any:
    """Return targets or weights on the host, if they are an array of another library."""
    return y if backend_of(y) is None or isinstance(y, np.ndarray) else to_host(y)


def beside(result: Any, x: Any) -> Any:
    """Return a host array in the library and on the device of x, if it holds numbers."""
    library = backend_of(x)
    if library is None or isinstance(x, np.ndarray) or result.dtype.kind not in "biuf":
        return result
    home = Home(library, library.device_of(x), None, "float32")
    return bring(result, home, "y", dtype=result.dtype.name)
