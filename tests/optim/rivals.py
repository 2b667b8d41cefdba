"""Optimizers beside their papers' formulas and beside other libraries', step by step.

A rival is a generator over all arrays of a network. It yields the arrays that training
continues from and those that the network gets, and is sent the gradients at the first: its own
iterate.
"""

from itertools import pairwise

import numpy as np

import bpx
from bpx.model.parameters import Parameters
from bpx.program.contract import leaves, named_leaves, rebuilt
from tests.backends import Target, flags, host
from tests.optim.descents import arrays

STEPS = 50
SIZES = [4, 6, 5, 3]  # one matrix is tall and two are wide
RNG = np.random.default_rng(4)
X, Y = RNG.standard_normal((12, 4)), RNG.integers(0, 3, 12)


def network(target=Target.NUMPY, **settings):
    how = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", **settings}
    return target.network(SIZES, seed=3, dtype="float64", **how)


def weights(parameters):
    """Whether each array is a weight, which decays."""
    return [place.startswith("w") for place, _ in named_leaves(parameters)]


def gradients(net, at):
    """The gradients at these arrays, by bpx."""
    labels = Y.astype("int32")
    found = bpx.backprop(net.spec, rebuilt(net.parameters, at), X, labels).gradients
    return [each.copy() for each in leaves(found)]


def visited(rule, target=Target.NUMPY, steps=STEPS, **settings):
    """After each step, what training continues from and what the network has."""
    net, compiled = network(target, **settings), target.value.compile
    with flags(target):
        trainer = bpx.Trainer(net, optimizer=rule, compile=compiled, seed=0)
        for _ in range(steps):
            trainer.step(X, Y)
            yield arrays(trainer.state.parameters), arrays(net.parameters)


def assert_follows(rule, rival, target=Target.NUMPY, tolerance=1e-10):
    """Take the same 50 steps as a rival, each from its own iterate."""
    net = network()
    start = [host(each).copy() for each in leaves(net.parameters)]
    running = rival(start, weights(net.parameters))
    at, last = next(running)[0], [start]
    for mine in visited(rule, target):
        theirs = running.send(gradients(net, at))
        for ours, other in zip(mine, theirs, strict=True):
            for a, b in zip(ours, other, strict=True):
                assert a.shape == b.shape
                assert np.abs(a - b).max() <= tolerance
        at = theirs[0]
        last.append(mine[1])
    assert all(np.abs(a - b).max() > 0.0 for a, b in zip(last[-1], start, strict=True))
    assert all(not np.array_equal(a[0], b[0]) for a, b in pairwise(last))


def each(rule):
    """A rival from a rule for one array: a generator that is sent gradients.

    ``rule(w, decays)`` yields the array after each step, or a pair: see `assert_follows`.
    """

    def rival(start, decays):
        running = [rule(w.copy(), d) for w, d in zip(start, decays, strict=True)]
        found = [next(one) for one in running]
        while True:
            sent = yield _parted(found)
            found = [one.send(g) for one, g in zip(running, sent, strict=True)]

    return rival


def _parted(found):
    pairs = [one if isinstance(one, tuple) else (one, one) for one in found]
    return [y for y, _ in pairs], [x for _, x in pairs]


def by_torch(make):
    """A rival from PyTorch: ``make(weights, biases)`` returns optimizers."""
    import torch

    def rival(start, decays):
        tensors = [torch.from_numpy(w.copy()).requires_grad_() for w in start]
        pairs = list(zip(tensors, decays, strict=True))
        peers = make([t for t, d in pairs if d], [t for t, d in pairs if not d])
        while True:
            now = [t.detach().numpy().copy() for t in tensors]
            for t, g in zip(tensors, (yield now, now), strict=True):
                t.grad = torch.from_numpy(g)
            for peer in peers:
                peer.step()

    return rival


def by_optax(make, used=lambda state, parameters: parameters):
    """A rival from optax: ``make(mask)`` returns its transformation, `used` what one evaluates.

    The mask says which arrays decay.
    """
    import jax.numpy as jnp
    import optax

    def rival(start, decays):
        p, rule = [jnp.asarray(w) for w in start], make(decays)
        state = rule.init(p)
        while True:
            public = used(state, p)
            g = yield [np.array(each) for each in p], [np.array(each) for each in public]
            moved, state = rule.update([jnp.asarray(each) for each in g], state, p)
            p = optax.apply_updates(p, moved)

    return rival


def state_of(rule, parameters=None):
    """The state before the first step, by its names."""
    made = bpx.optim.chain(rule).init(parameters or network().parameters)
    return {name.partition(".")[0].partition("[")[0] for name, _ in named_leaves(made)}


def zeros():
    """Parameters that are all zero, with gradients that are, too."""
    return Parameters.dense([np.zeros((3, 2)), np.zeros((2, 3))], [np.zeros(3), np.zeros(2)])
