"""Single operations as calls of NumPy that write into a given array."""

import numpy as np
import pytest

from bpx.program.operation import ACCUMULATE, Operation, Value, dtype_of
from bpx.program.program import apply
from bpx_backends.engines.numpy.calls import calls, gathered

X = np.array([[-2.5, 0.5, 4.0], [1.0, -0.0, 3.0]])
Y = np.array([[2.0, -1.0, 0.25], [8.0, 1.0, -3.0]])


def operation(name, operands, shape, dtype, attributes):
    values = [
        Value(v.shape, dtype_of(v.dtype.name)) if isinstance(v, np.ndarray) else v
        for v in operands
    ]
    return Operation(name, tuple(values), Value(shape, dtype_of(dtype)), attributes)


def written(name, operands, shape=X.shape, dtype="float64", out=None, **attributes):
    """What the calls of an operation write."""
    op = operation(name, operands, shape, dtype, tuple(attributes.items()))
    out = np.full(shape, -7, dtype) if out is None else out
    for function, arguments in calls(op, operands, out):
        function(*arguments)
    return out


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("beta", [(), (np.array([0.5]),), (0.5,)])
def test_a_product_is_added_to_an_array_or_to_a_copy(beta, sign, turned):
    a, b = (X.T, Y) if turned else (np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), X)
    c = np.ones((3, 3))
    expected = (beta[0] * c if beta else c) + sign * (a @ b)
    given = c, a, b, *beta
    found = written(ACCUMULATE, given, (3, 3), sign=sign)
    np.testing.assert_array_equal(found, expected)
    sliced = written(ACCUMULATE, given, (3, 3), out=np.zeros((3, 6))[:, ::2], sign=sign)
    np.testing.assert_array_equal(sliced, expected)
    assert (c == 1).all()
    assert written(ACCUMULATE, given, (3, 3), out=c, sign=sign) is c
    np.testing.assert_array_equal(c, expected)


def check(name, operands, shape=X.shape, dtype="float64", **attributes):
    """What is written is what NumPy's function gives."""
    op = operation(name, operands, shape, dtype, tuple(attributes.items()))
    expected = np.asarray(apply(np, op, operands))
    found = written(name, operands, shape, dtype, **attributes)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("exp", (X,)),
        ("negative", (X,)),
        ("add", (X, Y)),
        ("add", (X, Y[:1])),
        ("multiply", (0.1, X)),
        ("divide", (X, np.array([[4.0]]))),
        ("maximum", (X, 0.0)),
        ("minimum", (1.0, X)),
        ("where", (X > 0.0, X, -1.0)),
        ("where", (X > 0.0, 2.0, Y)),
        ("copy", (X,)),
        ("sign", (X,)),
    ],
)
def test_element_by_element(name, operands):
    check(name, operands)


@pytest.mark.parametrize(("axis", "shape"), [(0, (4, 3)), (1, (2, 6))])
def test_arrays_one_behind_the_other(axis, shape):
    check("concat", (X, Y[::-1]), shape, axis=axis)


@pytest.mark.parametrize(("axis", "shape"), [(0, (3,)), (1, (2,)), (None, ())])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions(name, axis, shape):
    check(name, (X,), shape, axis=axis, keepdims=False)
    kept = tuple(1 if axis in (i, None) else n for i, n in enumerate(X.shape))
    check(name, (X,), kept, axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("axis", "keepdims", "shape"), [(1, False, (2,)), (1, True, (2, 1)), (None, False, ())]
)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_where_the_largest_and_the_smallest_are(name, axis, keepdims, shape):
    check(name, (X,), shape, "int64", axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("name", ["any", "all"])
def test_whether_any_and_all(name):
    check(name, (X > 0.0,), (3,), "bool", axis=0, keepdims=False)


def test_a_product():
    check("matmul", (X, Y.T.copy()), (2, 2))


def test_a_cast_cuts_as_the_standards_does():
    found = written("astype", (np.array([3.9, -1.5, 0.0]),), (3,), "int32")
    np.testing.assert_array_equal(found, [3, -1, 0])


@pytest.mark.parametrize("name", ["add", "subtract", "maximum"])
def test_the_output_may_be_an_operand(name):
    x = X.copy()
    found = written(name, (x, Y), out=x)
    assert found is x
    np.testing.assert_array_equal(found, getattr(np, name)(X, Y))


def test_nothing_is_allocated_by_a_function_of_numpys():
    out = np.empty_like(X)
    op = operation("add", (X, Y), X.shape, "float64", ())
    ((function, arguments),) = calls(op, (X, Y), out)
    assert function is np.add
    assert arguments[-1] is out


def test_indices_of_a_mini_batch_are_taken_without_a_look_at_their_range():
    rows, out = np.array([1, 1, 0]), np.empty((3, 3))
    function, arguments = gathered(X, rows, out)
    function(*arguments)
    np.testing.assert_array_equal(out, X[rows])


def test_a_users_own_indices_are_looked_at():
    check("take", (X, np.array([1, -1, 0])), (3, 3), axis=0)
    with pytest.raises(IndexError):
        written("take", (X, np.array([2])), (1, 3), axis=0)
