"""Products: of matrices, of transposes, and of stacks."""

import numpy as np
import pytest

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
