"""Some parameters, a slope, and the steps that an optimizer takes down it."""

import numpy as np

from bpx.model.parameters import Gradients, Parameters
from bpx.optim import mapped
from bpx.program.contract import leaves
from bpx.training.step import added
from tests.backends import Target, host


def parameters(dtype="float64", target=Target.NUMPY, leading=()):
    """Two layers' weights and biases; of K networks, with their axis in front."""
    rng = np.random.default_rng(0)
    w, b = [(3, 2), (2, 3)], [(1, 3), (1, 2)] if leading else [(3,), (2,)]
    return Parameters.dense(
        *(
            [target.asarray(rng.standard_normal((*leading, *s)), dtype) for s in shapes]
            for shapes in (w, b)
        )
    )


def slope(w):
    """The gradient of sum(w**4 / 4 - w**2 + 0.3 w): of several minima, by operators alone."""
    return w * w * w - 2.0 * w + 0.3


def gradients(p):
    return Gradients(mapped(slope, p).layers)


def arrays(tree):
    """The arrays of a tree, on the host."""
    return [host(each) for each in leaves(tree)]


def visited(rule, p, steps):
    """The parameters after each step."""
    state, seen = rule.init(p), []
    for _ in range(steps):
        updates, state = rule.update(gradients(p), state, p)
        p = added(p, updates)
        seen.append(p)
    return seen


def assert_same(got, expected, tolerance=1e-12):
    for a, b in zip(arrays(got), arrays(expected), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= tolerance
