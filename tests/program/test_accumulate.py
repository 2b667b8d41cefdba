"""Products that are added to the state itself, and those that are not."""

import numpy as np
import pytest

import bpx
from bpx.program.accumulate import accumulated
from bpx.program.operation import ACCUMULATE
from bpx.program.plan import plan
from tests.program.planned import ROWS, numbers, recorded

SHAPES = (4, 3), (1,), (5, 4), (5, 3)
"""Of w, eta, delta and a."""


def sums(step, *shapes, **settings):
    """The program, rewritten, and its products that are added to the state."""
    program = accumulated(recorded(step, numbers(*shapes)), **settings)
    return program, [op for op in program.operations if op.name == ACCUMULATE]


def kept(change):
    """A step that changes w alone."""
    return lambda xp, s, d, r: (change(xp, *s), *s[1:])


CHANGES = {
    "descent": lambda xp, w, eta, delta, a: w - eta * xp.matmul(delta.T, a),
    "a factor on the right": lambda xp, w, eta, delta, a: w - xp.matmul(delta.T, a) * eta,
    "a number": lambda xp, w, eta, delta, a: w - 0.5 * xp.matmul(delta.T, a),
    "no factor": lambda xp, w, eta, delta, a: w - xp.matmul(delta.T, a),
    "uphill": lambda xp, w, eta, delta, a: w + eta * xp.matmul(delta.T, a),
    "w comes last": lambda xp, w, eta, delta, a: eta * xp.matmul(delta.T, a) + w,
    "no transpose": lambda xp, w, eta, delta, a: w - eta * xp.matmul(delta[:4, :], a[:4, :]),
    "momentum": lambda xp, w, eta, delta, a: eta * w - eta * xp.matmul(delta.T, a),
    "a fixed momentum": lambda xp, w, eta, delta, a: w * 0.9 - eta * xp.matmul(delta.T, a),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_product_is_added_to_the_state_in_place(name):
    program, found = sums(kept(CHANGES[name]), *SHAPES)
    assert len(found) == 1
    assert not program.counts["matmul"]
    assert sorted(plan(program).states.values()) == [0]  # w; nothing else changes
    state = numbers(*SHAPES)
    after = program.replay(np, state, (), ROWS[0])
    np.testing.assert_allclose(after[0], CHANGES[name](np, *state), rtol=1e-14)


ELSE = {
    "the gradient is read again": lambda xp, s, d, r: (
        s[0] - s[1] * (g := xp.matmul(s[2].T, s[3])),
        xp.sum(g)[None],
        *s[2:],
    ),
    "the gradient is an output": lambda xp, s, d, r: (
        s[0] - (g := s[1] * xp.matmul(s[2].T, s[3])),
        s[1],
        s[2],
        s[3] + xp.sum(g),
    ),
    "w is computed": kept(lambda xp, w, eta, delta, a: (w + w) - eta * xp.matmul(delta.T, a)),
    "another sum follows": kept(
        lambda xp, w, eta, delta, a: (w - eta * xp.matmul(delta.T, a)) * 0.5
    ),
    "w is taken away": kept(lambda xp, w, eta, delta, a: eta * xp.matmul(delta.T, a) - w),
    "the factor is a column": kept(
        lambda xp, w, eta, delta, a: w - w[:, :1] * xp.matmul(delta.T, a)
    ),
    "the sum is larger": lambda xp, s, d, r: (
        s[0] - xp.matmul(s[1][:, None], s[3][:1, :]),
        *s[1:],
    ),
}


@pytest.mark.parametrize("name", ELSE)
def test_other_products_stay_as_they_are(name):
    assert not sums(ELSE[name], *SHAPES)[1]


def test_an_engine_may_have_no_product_that_multiplies_the_state():
    assert not sums(kept(CHANGES["momentum"]), *SHAPES, scaled=False)[1]
    assert sums(kept(CHANGES["descent"]), *SHAPES, scaled=False)[1]


def test_w_may_be_read_before_it_changes_and_not_after():
    def before(xp, s, d, r):
        w, eta, delta, a = s
        return w - eta * xp.matmul(delta.T, a), eta, xp.matmul(a, w.T), a

    def after(xp, s, d, r):
        w, eta, delta, a = s
        new = w - eta * xp.matmul(delta.T, a)
        return new, eta, xp.matmul(a, new.T), a + w[:1, :] * xp.sum(new)

    for step, in_place in ((before, True), (after, False)):
        program, found = sums(step, *SHAPES)
        assert (found[0].result in plan(program).states) == in_place


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [
        (bpx.SGD(0.1), ["parameters.w[0]", "parameters.w[1]"]),
        (bpx.SGD(0.1, momentum=0.9), ["optimizer.velocity.w[0]", "optimizer.velocity.w[1]"]),
        (bpx.SGD(0.1, momentum=0.9, nesterov=True), []),
        (bpx.Adam(), []),
    ],
)
def test_what_descends_by_bp4_itself(optimizer, names):
    net = bpx.Network([6, 5, 3], seed=0)
    program = accumulated(net.program(batch_size=4, optimizer=optimizer))
    found = [op.operands[0].name for op in program.operations if op.name == ACCUMULATE]
    assert sorted(found) == names


@pytest.mark.parametrize("eta", [3.0, 0.3])
def test_rounding_keeps_the_bound_of_the_two_steps_apart(eta):
    """|error| <= u |w'| + gamma(m + 2) eta |delta|ᵀ |a|, where m terms are summed in any order.

    eta rounds once in either form, and so does the last sum: m - 1 sums, m products and these
    two come to m + 2 roundings of a term at most.
    """
    m, rng = 64, np.random.default_rng(0)
    w, delta, a = (rng.standard_normal(shape) for shape in ((30, 50), (m, 30), (m, 50)))
    state = [w.astype("float32"), np.full(1, eta, "float32"), *map(np.float32, (delta, a))]
    step = kept(CHANGES["descent"])
    program = accumulated(recorded(step, state))
    assert program.counts[ACCUMULATE] == 1
    found = program.replay(np, state, (), ROWS[0])[0].astype("float64")
    w, eta, delta, a = (each.astype("float64") for each in state)
    exact = w - eta * (delta.T @ a)
    u = 2.0**-24
    gamma = (m + 2) * u / (1 - (m + 2) * u)
    bound = u * np.abs(exact) + gamma * eta * (np.abs(delta).T @ np.abs(a))
    assert (np.abs(found - exact) <= bound).all()
