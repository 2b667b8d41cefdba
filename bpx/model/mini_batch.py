"""One mini-batch at a network's home, checked mostly by its shapes and dtypes.

The values of host arrays are checked before they move. The values of other libraries' arrays
are not, since that would wait for the device at every step.
"""

from typing import Any

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import as_labels, check_finite, is_host
from bpx.arrays.registry import dtype_name, namespace
from bpx.arrays.transfer import bring
from bpx.errors import InputError
from bpx.model.accepted import refuse_outside
from bpx.model.codes import check_codes
from bpx.model.expected import why_no_labels
from bpx.model.inputs import (
    BYTES,
    Samples,
    check_target_shape,
    dense,
    repeated,
    rows_of,
)
from bpx.model.metrics import Accuracy, single_rule
from bpx.model.spec import Spec

__all__ = ["mini_batch", "row_weights"]


def mini_batch(home: Home, spec: Spec, x: Any, y: Any) -> Samples:
    """Return the inputs and targets of one training step, at `home`.

    The dtype of y decides whether there is an accuracy: integers and booleans are labels;
    floating-point numbers have none, whatever their values.

    Parameters
    ----------
    home, spec
        The network's home and spec.
    x : array of any library, or array-like, shape (m, k_0)
    y : array of any library, or array-like, shape (m,) or (m, k_L)

    Raises
    ------
    InputError
        If a shape or a dtype does not fit or, in a host array, a value cannot be used.
    """
    inputs = _inputs(home, spec, x)
    targets, accuracy = _targets(home, spec, y, inputs.shape[0])
    return Samples(inputs, targets, accuracy)


def row_weights(home: Home, r: Any, m: int) -> Array:
    """Return the row weights of m samples, shape (m,), at `home`.

    Parameters
    ----------
    home : Home
    r : array or array-like, shape (m,) or (m, 1), or float
    m : int

    Raises
    ------
    InputError
        If the shape does not fit or, in a host array, a value is not finite.
    """
    given = dense(r, "r")
    xp = namespace(given)
    if given.ndim == 0:
        given = xp.broadcast_to(given, (m,))
    if tuple(given.shape) not in ((m,), (m, 1)):
        raise InputError(
            f"r has shape {tuple(given.shape)} for {m} samples; expected a number, or one for "
            f"each sample, shape ({m},) or ({m}, 1)"
        )
    if is_host(given):
        check_finite(given, home.dtype, "r")
    arrived: Array = bring(xp.reshape(given, (m,)), home, "r")
    return arrived


def _inputs(home: Home, spec: Spec, x: Any) -> Array:
    x = rows_of(spec, x, "x")
    stored = dtype_name(x) if dtype_name(x) in BYTES else home.dtype
    if is_host(x):
        check_finite(x, stored, "x")
        check_codes(spec, x, "x")
    arrived: Array = bring(x, home, "x", dtype=stored)
    return arrived


def _targets(home: Home, spec: Spec, y: Any, m: int) -> tuple[Array, Accuracy]:
    k = spec.sizes[-1]
    y = repeated(spec, dense(y, "y"), k)
    check_target_shape(y, m, k, "y")
    whole = namespace(y).isdtype(y.dtype, ("integral", "bool"))
    if y.ndim == 1 and k > 1:
        return _labels(home, y, k, whole), "argmax"
    if is_host(y):
        check_finite(y, home.dtype, "y")
        refuse_outside(spec.cost, y, "y")
    return bring(y, home, "y"), single_rule(spec) if whole and k == 1 else None


def _labels(home: Home, y: Any, classes: int, whole: bool) -> Array:
    if is_host(y):
        y = as_labels(y, classes, "y")
    elif not whole:
        raise InputError(why_no_labels(y, classes))
    labels: Array = bring(y, home, "y", dtype="int32")
    return labels
