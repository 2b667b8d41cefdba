"""Products, and those that are added to an array, as instructions."""

from bpx.program.accumulate import accumulated
from bpx_backends.engines.numpy import kinds
from bpx_backends.engines.numpy.blas import NO, YES
from bpx_backends.engines.numpy.instructions import FEW
from tests.engines.numpy.tabled import instructions
from tests.program.planned import numbers


def test_products_say_which_matrix_is_transposed_in_memory():
    a, b = numbers((3, 4), (5, 4))
    found, names = instructions(lambda xp, s, d, r: (xp.matmul(s[0], s[1].T), s[1]), (a, b))
    assert names[0] == kinds.PRODUCT_64
    assert found[0, 1:7].tolist() == [8, NO, YES, 3, 5, 4]
    assert found[0, [9, 11, 14]].tolist() == [4, 4, 5]
    assert found[0, [7, 12]].view(float).tolist() == [1.0, 0.0]


def test_stacks_are_products_of_matrices_and_many_are_not():
    def step(xp, s, d, r):
        return (xp.matmul(s[0], s[0]), s[1])

    few, many = numbers((3, 2, 2), (1,)), numbers((FEW + 1, 2, 2), (1,))
    assert instructions(step, few)[1][:3] == [kinds.PRODUCT_64] * 3
    assert kinds.PRODUCT_64 not in instructions(step, many)[1]


def descent(xp, s, d, r):
    w, eta, delta, a = s
    return w - eta * xp.matmul(delta.T, a), eta, delta, a


def momentum(xp, s, d, r):
    v, mu, delta, a = s
    return mu * v - xp.matmul(delta.T, a), mu, delta, a


def test_what_a_product_is_added_to_is_copied_where_it_lies_elsewhere():
    state = numbers((4, 3), (1,), (5, 4), (5, 3))
    found, names = instructions(descent, state, rewritten=accumulated)
    at = names.index(kinds.PRODUCT_64)
    copy, product = found[at - 1], found[at]
    assert copy[[0, 3]].tolist() == [kinds.COPY, state[0].nbytes]
    assert copy[1] == product[13]
    assert product[2:7].tolist() == [YES, NO, 4, 3, 5]
    assert product[[7, 12]].view(float).tolist() == [-1.0, 1.0]


def test_a_factor_of_the_state_is_read_where_it_is():
    state = numbers((4, 3), (1,), (5, 4), (5, 3))
    found, names = instructions(momentum, state, rewritten=accumulated)
    product = found[names.index(kinds.SCALED_64)]
    assert product[12] == state[1].ctypes.data
    assert product[[7]].view(float).tolist() == [-1.0]


def test_python_is_asked_for_a_sum_of_no_terms():
    state = numbers((4, 3), (1,), (0, 4), (0, 3))
    assert kinds.ASK in instructions(descent, state, rewritten=accumulated)[1]
