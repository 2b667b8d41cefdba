"""Single operations as calls of PyTorch, against the same operations run eagerly."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bpx_backends.engines.torch.calls import calls  # noqa: E402
from bpx_backends.engines.torch.native import native  # noqa: E402
from tests.engines.torch.jobs import FLOATS, INTEGERS, Job, scanned  # noqa: E402


@pytest.mark.parametrize(
    "name",
    ["abs", "negative", "positive", "sign", "square", "floor", "ceil", "round", "trunc", "exp",
     "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "tanh", "sinh",
     "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh"],
)  # fmt: skip
def test_functions_of_one_array(name):
    ours, theirs = scanned(lambda xp, x: (getattr(xp, name)(x),), FLOATS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("name", ["abs", "negative", "sign", "square", "floor", "round"])
def test_functions_of_integers(name):
    ours, theirs = scanned(lambda xp, x: (getattr(xp, name)(x),), INTEGERS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("other", [2.0, "array"])
@pytest.mark.parametrize(
    "name",
    ["add", "subtract", "multiply", "divide", "maximum", "minimum", "pow", "remainder",
     "logaddexp", "hypot", "atan2", "copysign"],
)  # fmt: skip
def test_functions_of_two_arrays_and_of_one_and_a_number(name, other):
    def rule(xp, x, y):
        second = y if other == "array" else other
        return getattr(xp, name)(x, second), y

    ours, theirs = scanned(rule, FLOATS, np.array([[2.0, -3.0, 0.5]]))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


def test_a_number_before_an_array():
    def rule(xp, x, y):
        return 1.0 - x, 2.0**x * xp.where(x > 0.0, 1.5, y) + xp.maximum(2.0, y)

    ours, theirs = scanned(rule, FLOATS, FLOATS.copy())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


@pytest.mark.parametrize(
    "name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
)
def test_comparisons(name):
    def rule(xp, x, y):
        holds = getattr(xp, name)(x, 1.0)
        other = getattr(xp, name)(xp.astype(y, xp.int64), xp.astype(x, xp.int64))
        return xp.astype(xp.logical_not(holds), x.dtype), xp.astype(other, y.dtype)

    ours, theirs = scanned(rule, np.ones((2, 3)) * INTEGERS, INTEGERS)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bits_and_flags():
    def rule(xp, x):
        shifted = (x << 3) ^ (x >> 1) | ~x & 255
        flags = xp.logical_and(x > 0, xp.logical_xor(x > 2, xp.logical_or(x < 4, x > 6)))
        return (shifted + xp.astype(flags, x.dtype),)

    ours, theirs = scanned(rule, INTEGERS)
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions(name, axis, keepdims):
    def rule(xp, x):
        reduced = getattr(xp, name)(x, axis=axis, keepdims=keepdims)
        return (x * 0.0 + (reduced[:, None] if reduced.shape == (2,) else reduced),)

    if name == "prod" and axis == (0, 1):
        axis = None
    ours, theirs = scanned(rule, np.arange(6.0).reshape(2, 3) + 1.0)
    np.testing.assert_allclose(*ours, *theirs, rtol=1e-15)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_where_the_largest_and_the_smallest_are(name, axis, keepdims):
    def rule(xp, x):
        found = xp.astype(getattr(xp, name)(x, axis=axis, keepdims=keepdims), x.dtype)
        return (x * 0.0 + (found[:, None] if found.shape == (2,) else found),)

    ours, theirs = scanned(rule, np.array([[1.0, 3.0, 3.0], [0.0, 3.0, 0.0]]))
    np.testing.assert_array_equal(*ours, *theirs)


@pytest.mark.parametrize("name", ["any", "all"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_whether_any_and_all(name, axis):
    def rule(xp, x):
        holds = getattr(xp, name)(x > 1.0, axis=axis, keepdims=True)
        return (x * 0.0 + xp.astype(xp.logical_and(holds, xp.isfinite(x)), x.dtype),)

    ours, theirs = scanned(rule, np.array([[0.0, 2.0, 3.0], [0.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(*ours, *theirs)


def test_views_moves_and_constants():
    def rule(xp, x, y):
        picked = xp.take(y, xp.arange(1, -1, -1, dtype=xp.int32), axis=0)
        flat = xp.reshape(picked.mT, (-1,))
        wide = xp.broadcast_to(x[1:, ::2], (2, 2)) + xp.full((2, 2), 2.0, dtype=x.dtype)
        return x + wide[:1, :1] + xp.sum(flat[1:]), y * picked[None, :, 0][0, :, None]

    ours, theirs = scanned(rule, FLOATS[:2], np.arange(6.0).reshape(2, 3))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_arrays_one_behind_the_other():
    def rule(xp, x, y):
        below = xp.concat([x[1:, :], x], axis=0)
        return x + xp.concat([x.mT, y], axis=1)[:2, :2], y * below[1:, :1]

    ours, theirs = scanned(rule, np.arange(4.0).reshape(2, 2), np.arange(6.0).reshape(2, 3))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_derivative_of_relu_is_right_where_z_is_zero_or_infinite():
    def rule(xp, z, g):
        return z, g * xp.astype(z > 0.0, z.dtype)

    z = np.array([-np.inf, -1.0, -0.0, 0.0, 1e-300, np.inf])
    ours, theirs = scanned(rule, z, np.arange(6.0) - 2.5)
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_calls_of_a_product_write_over_what_was_there():
    out = torch.full((2, 2), torch.nan, dtype=torch.float64)
    job = Job((3, 2), batch=2)
    (product,) = (
        op
        for op in native(job.program).operations
        if op.attribute("native") == "scaled_product"
    )
    d, a = torch.ones((2, 2), dtype=torch.float64), torch.ones((2, 2), dtype=torch.float64)
    for call in calls(product, [0.5, d, a], out):
        call()
    assert (out == 1.0).all()
