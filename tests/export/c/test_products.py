"""Products: of matrices, of transposes, and of stacks."""

import numpy as np
import pytest

from bpx.export.c.places import Place
from bpx.export.c.products import accumulation
from bpx.export.c.scope import Scope
from bpx.program.operation import Operation, Value, dtype_of
from tests.export.c.running import assert_same, text_of


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize(("n", "inner", "k"), [(3, 4, 5), (1, 4, 5), (3, 1, 5), (3, 4, 1)])
def test_products(n, inner, k):
    a, b = drawn(n, inner), drawn(inner, k)
    turned = np.ascontiguousarray(b.T)
    left = np.ascontiguousarray(a.T)

    def each(xp, a, b, turned, left):
        return xp.matmul(a, b), a @ turned.mT, left.mT @ b, left.mT @ turned.mT

    assert_same(each, a, b, turned, left, rtol=1e-12)


@pytest.mark.usefixtures("gcc")
def test_stacks():
    a, b = drawn(2, 3, 4), drawn(2, 4, 5)
    assert_same(lambda xp, a, b: a @ b, a, b, rtol=1e-12)


def accumulated(sign, *beta):
    """The statements of c + a.mT @ b over c, whose shape is (3, 5)."""
    dtype = dtype_of("float32")
    values = {"c": Value((3, 5), dtype), "a": Value((3, 4), dtype), "b": Value((4, 5), dtype)}
    strides = {"c": (5, 1), "a": (1, 3), "b": (5, 1)}
    places = {v: Place(name, v.shape, strides[name]) for name, v in values.items()}
    result = Value((3, 5), dtype)
    scope = Scope({**places, result: places[values["c"]]}, {})
    op = Operation("accumulate", (*values.values(), *beta), result, (("sign", sign),))
    return list(accumulation(op, scope))


def test_what_is_added_to_the_weights_themselves():
    assert accumulated(-1) == [
        "for (size_t p = 0; p < 4; ++p) {",
        "    for (size_t i = 0; i < 3; ++i) {",
        "        const float factor = a[p * 3 + i];",
        "        for (size_t j = 0; j < 5; ++j) {",
        "            c[i * 5 + j] -= factor * b[p * 5 + j];",
        "        }",
        "    }",
        "}",
    ]


def test_momentum_multiplies_them_first():
    lines = accumulated(1, 0.5)
    assert "        c[i * 5 + j] = 0.5f * c[i * 5 + j];" in lines
    assert "            c[i * 5 + j] += factor * b[p * 5 + j];" in lines


def test_one_column_is_a_sum():
    text, _ = text_of(lambda xp, a, b: a @ b, [drawn(3, 4), drawn(4, 1)])
    assert "double sum = 0.0;" in text
    text, _ = text_of(lambda xp, a, b: a @ b, [drawn(3, 4), drawn(4, 2)])
    assert "double sum" not in text


@pytest.mark.parametrize(
    ("product", "inner"),
    [
        (lambda xp, a, b: a @ b.mT, "for (size_t p = 0; p < 4; ++p)"),
        (lambda xp, a, b: a @ xp.reshape(b, (4, 5)), "for (size_t j = 0; j < 5; ++j)"),
    ],
)
def test_memory_is_read_in_sequence(product, inner):
    text, _ = text_of(product, [drawn(3, 4), drawn(5, 4)])
    innermost = [line for line in text.splitlines() if "for (" in line][-1]
    assert inner in innermost
