"""Chains: what they are made of, the state by name, and every optimizer on every engine."""

import copy
import pickle
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.optim import OPTIMIZERS, Adam, Chain, Optimizer, Transformation, chain
from bpx.optim.chain import ChainState, chained, check_optimizer, initial
from bpx.program.contract import form, leaves, named_leaves, rebuilt
from tests.backends import host
from tests.optim.descents import arrays, assert_same, gradients, parameters, visited
from tests.peers import random_samples

LINKS = {
    "clip": bpx.optim.clip_by_global_norm(1.0),
    "decay": bpx.optim.add_decayed_weights(0.1),
    "momentum": bpx.optim.momentum(0.9),
    "nesterov": bpx.optim.momentum(0.9, nesterov=True),
    "adam": bpx.optim.scale_by_adam(),
    "scale": bpx.optim.scale(-0.1),
    "rate": bpx.optim.scale_by_learning_rate(0.1),
    "schedule": bpx.optim.scale_by_learning_rate(
        bpx.optim.warmup_cosine(0.1, warmup=2, steps=9)
    ),
}
CHAINS = {
    **{name: kind(kind.default_eta) for name, kind in OPTIMIZERS.items()},
    "clipped": chain(LINKS["clip"], Adam(0.01)),
    "decayed": chain(LINKS["decay"], LINKS["momentum"], LINKS["rate"]),
    "looking_ahead": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "scheduled": bpx.AdamW(bpx.optim.warmup_cosine(0.01, warmup=3, steps=12)),
    "one_link": LINKS["scale"],
}
each_link = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)


def doubled(updates, state, parameters):
    return bpx.optim.mapped(lambda u: 2.0 * u, updates), state


DOUBLED = Transformation(lambda parameters: (), doubled)


# What it is made of


def test_a_chain_is_flat():
    adam = chain(Adam(0.01))
    nested = chain(
        LINKS["decay"], chain(chain(LINKS["clip"], adam), DOUBLED), LINKS["momentum"]
    )
    assert nested.links == (
        LINKS["decay"],
        LINKS["clip"],
        *adam.links,
        DOUBLED,
        LINKS["momentum"],
    )
    assert [link.update for link in adam.links] == [
        link.update for link in Adam(0.01).transformations
    ]
    assert nested.transformations is nested.links
    assert all(isinstance(link, Transformation) for link in nested.links)


def test_chains_of_equal_links_are_equal():
    one, other = chain(LINKS["clip"], DOUBLED), chain(LINKS["clip"], DOUBLED)
    assert one == other
    assert hash(one) == hash(other)
    assert one != chain(DOUBLED, LINKS["clip"])
    with pytest.raises(AttributeError):
        one.links = ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: bpx.optim.scale(0.1),
        lambda: bpx.optim.clip_by_global_norm(1.0),
        lambda: chain(Adam(0.01)),
    ],
)
def test_what_is_made_of_equal_numbers_is_equal(make):
    assert make() == make()


def test_the_rule_is_the_same_for_other_numbers():
    made = [chain(bpx.optim.clip_by_global_norm(n), Adam(0.1 * n)) for n in (1.0, 2.0)]
    assert made[0].update is made[1].update
    assert made[0].update is not Adam(0.1).update
    assert chain(Adam(0.1)).update is Adam(0.2).update


def test_the_links_run_in_their_order():
    p, shifted = parameters(), Transformation(lambda parameters: (), plus_one)
    g = gradients(p)
    first = chain(DOUBLED, shifted)
    updates, _ = first.update(g, first.init(p), p)
    assert_same(updates, bpx.optim.mapped(lambda u: 2.0 * u + 1.0, g), 0.0)
    second = chain(shifted, DOUBLED)
    updates, _ = second.update(g, second.init(p), p)
    assert_same(updates, bpx.optim.mapped(lambda u: 2.0 * (u + 1.0), g), 0.0)


def plus_one(updates, state, parameters):
    return bpx.optim.mapped(lambda u: u + 1.0, updates), state


def test_a_chain_of_nothing_gives_the_gradients_back():
    p = parameters()
    empty, g = chain(), gradients(p)
    updates, state = empty.update(g, empty.init(p), p)
    assert updates is g
    assert state == ChainState(())


def test_updates_of_chains_are_made_once():
    assert chained((doubled, plus_one)) is chained((doubled, plus_one))


# The state


class Counted(NamedTuple):
    eta: Any
    count: Any


def test_the_state_is_read_by_name():
    state = chain(LINKS["clip"], Adam(0.25, beta1=0.5)).init(parameters())
    assert state.eta.tolist() == [0.25]
    assert state.largest.tolist() == [1.0]
    assert state.beta1.tolist() == [0.5]
    assert (state.m.w[0] == 0.0).all()
    with pytest.raises(AttributeError, match="no link of the chain has 'mu' in its state"):
        _ = state.mu


def test_the_first_link_that_has_a_name_gives_it():
    state = ChainState((Counted("eta", "one"), (), Counted("other", "two")))
    assert state.eta == "eta"
    changed = state.having(eta="changed", count="three")
    assert changed.parts == (Counted("changed", "three"), (), Counted("other", "two"))
    assert state.eta == "eta"  # the old one stays


def test_a_name_that_no_link_has_is_refused():
    state = bpx.Adam().init(parameters())
    with pytest.raises(AttributeError, match="no link of the chain has 'mu' in its state"):
        state.having(mu=state.eta)


def test_what_is_in_it_has_names():
    p = parameters()
    state = bpx.SGD(0.1, momentum=0.9).init(p)
    assert [name for name, _ in named_leaves(state)] == [
        "eta",
        "mu",
        *(f"velocity.{name}" for name in ("w[0]", "w[1]", "b[0]", "b[1]")),
    ]


@pytest.mark.parametrize("name", CHAINS)
def test_it_is_rebuilt_in_its_form(name):
    state = chain(CHAINS[name]).init(parameters())
    again = rebuilt(state, list(leaves(state)))
    assert form(again) == form(state)
    assert all(a is b for a, b in zip(leaves(again), leaves(state), strict=True))


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))]
)
def test_it_can_be_copied(copied):
    state = bpx.Adam(0.25).init(parameters())
    again = copied(state)
    assert type(again) is ChainState
    assert again.eta is not state.eta
    assert_same(again, state, 0.0)


def test_a_state_of_a_bare_tuple_has_its_place():
    state = ChainState(((1.0, 2.0), Counted(3.0, 4.0)))
    assert [name for name, _ in named_leaves(state)] == ["[0][0]", "[0][1]", "eta", "count"]
    assert rebuilt(state, [5.0, 6.0, 7.0, 8.0]).parts == ((5.0, 6.0), Counted(7.0, 8.0))


@each_link
@pytest.mark.parametrize(("leading", "shape"), [((), (1,)), ((4,), (4, 1, 1))])
def test_numbers_are_arrays_in_the_state(target, link, leading, shape):
    """With parameters of K networks, one for each; a schedule's count of steps is whole."""
    p = parameters("float32", target, leading)
    shapes = {tuple(each.shape) for each in leaves(p)}
    states = list(leaves(link.init(p)))
    numbers = [each for each in states if tuple(each.shape) not in shapes]
    assert numbers
    assert {tuple(each.shape) for each in numbers} == {shape}
    counts = list(leaves(getattr(link.init(p), "steps", ())))
    assert [str(each.dtype).rpartition(".")[2] for each in counts] == ["int32"] * len(counts)
    assert [each.dtype for each in states].count(p.w[0].dtype) == len(states) - len(counts)


@each_link
def test_many_networks_move_as_each_by_itself(link):
    many = parameters(leading=(4,))
    seen = visited(chain(link), many, 3)[-1]
    for k in range(4):
        one = type(many).dense([w[k] for w in many.w], [b[k, 0] for b in many.b])
        alone = visited(chain(link), one, 3)[-1]
        found = type(many).dense([w[k] for w in seen.w], [b[k, 0] for b in seen.b])
        assert_same(found, alone, 1e-13)


# A number behind Adam


def test_a_number_behind_adam_goes_into_its_own():
    p = parameters()
    fused = Adam(0.03)
    apart = chain(LINKS["adam"], DOUBLED, bpx.optim.scale(-0.015))
    for a, b in zip(visited(fused, p, 20), visited(apart, p, 20), strict=True):
        assert_same(a, b, 1e-14)


@pytest.mark.parametrize("behind", ["scale", "rate", "schedule"])
def test_in_one_step_the_updates_are_the_same(behind):
    p = parameters()
    g, at_once = gradients(p), chain(LINKS["adam"], LINKS[behind])
    together, after = at_once.update(g, at_once.init(p), p)
    moved, state = LINKS["adam"].update(g, LINKS["adam"].init(p), p)
    expected, scaled = LINKS[behind].update(moved, LINKS[behind].init(p), p)
    assert_same(together, expected, 1e-15)
    assert_same(after.parts, (state, scaled), 0.0)


def test_which_saves_a_multiplication_for_each_array():
    net = bpx.Network([4, 5, 3], seed=0)

    def same(updates, state, parameters):
        return updates, state

    apart = chain(
        LINKS["adam"], Transformation(lambda p: (), same), bpx.optim.scale_by_learning_rate(0.1)
    )
    counts = [
        net.program(batch_size=2, optimizer=optimizer).counts["multiply"]
        for optimizer in (apart, Adam(0.1))
    ]
    arrays_there = len(list(leaves(net.parameters)))
    numbers = 1  # eta into alpha, once
    assert counts[0] - counts[1] == arrays_there - numbers


# Every optimizer on every engine


def trained(name, spec, compiled):
    net = bpx.Network([4, 6, 3], hidden="tanh", seed=0, backend=spec, dtype="float64")
    before = [host(w) for w in net.weights]
    net.fit(
        *random_samples(net, 20),
        epochs=2,
        batch_size=6,
        optimizer=CHAINS[name],
        seed=0,
        compile=compiled,
    )
    pairs = zip(net.weights, before, strict=True)
    assert all(np.abs(host(after) - was).max() > 1e-4 for after, was in pairs)
    return net.parameters


@pytest.mark.parametrize("name", CHAINS)
def test_each_trains_on_every_target_compiled_and_eager_alike(target, name):
    expected = trained(name, "numpy", compiled=False)
    assert_same(trained(name, target.spec, target.value.compile), expected)
    if target.value.compile and "jax" not in target.spec:  # it has a target that is eager
        assert_same(trained(name, target.spec, compiled=False), expected)


@pytest.mark.parametrize("name", ["clipped", "scheduled"])
def test_numbas_kernels_do_the_same(monkeypatch, name):
    pytest.importorskip("numba", reason="numba is not installed")
    expected = trained(name, "numpy", compiled=False)
    monkeypatch.setenv("BPX_NUMBA", "on")
    assert_same(trained(name, "numpy", compiled=True), expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_named_ones_have_a_learning_rate_of_their_own(name):
    kind = OPTIMIZERS[name]
    assert chain(kind(kind.default_eta)).init(parameters()).eta.tolist() == [kind.default_eta]


# Of somebody's own


@dataclass(frozen=True)
class Halving(Optimizer):
    """A chain with a name."""

    eta: float

    @property
    def transformations(self):
        return (bpx.optim.scale(-0.5 * self.eta),)


def test_an_optimizer_of_ones_own_is_a_chain_with_a_name():
    assert_same(
        visited(Halving(0.2), parameters(), 4)[-1], visited(bpx.SGD(0.1), parameters(), 4)[-1]
    )
    assert len(chain(Halving(0.2)).links) == 1
    assert Halving(0.1).update is Halving(0.2).update


class Old:
    """An optimizer as they were: update gave back the parameters."""

    def init(self, parameters):
        return ()

    def update(self, parameters, state, gradients):
        return parameters, state

    def __repr__(self):
        return "Old()"


def in_training(optimizer):
    net = bpx.Network([2, 1], seed=0)
    net.fit(np.ones((4, 2)), np.ones(4), epochs=1, batch_size=2, optimizer=optimizer)


@pytest.mark.parametrize("act", [check_optimizer, chain, in_training])
def test_the_old_form_is_refused_with_the_lines_that_change(act):
    with pytest.raises(bpx.InputError) as told:
        act(Old())
    said = str(told.value).splitlines()
    assert said[0].startswith("optimizer=Old() has init and update of its own, as in earlier")
    assert [line.split("  ")[1] for line in said[1:]] == [
        "each p - eta * g of an array becomes -eta * g, for all arrays "
        "bpx.optim.mapped(lambda g: ..., updates)",
        "return bpx.Parameters(w, b), state",
        "optimizer=yours",
    ]


@pytest.mark.parametrize("act", [check_optimizer, chain, in_training])
@pytest.mark.parametrize(
    "bad",
    [None, 0.1, "adam", bpx.Adam, Old, doubled],
    ids=["none", "number", "word", "class", "old class", "function"],
)
def test_what_is_no_optimizer_is_refused(act, bad):
    with pytest.raises(
        bpx.InputError, match=r"expected bpx\.SGD\(eta\), bpx\.Adam\(\), bpx\.AdamW\(\), or ano"
    ):
        act(bad)


def test_a_transformation_alone_is_an_optimizer():
    assert check_optimizer(DOUBLED) is None
    net = bpx.Network([2, 1], seed=0, dtype="float64")
    net.fit(np.ones((2, 2)), np.ones(2), epochs=1, batch_size=2, optimizer=LINKS["scale"])
    other = bpx.Network([2, 1], seed=0, dtype="float64")
    other.fit(np.ones((2, 2)), np.ones(2), epochs=1, batch_size=2, optimizer=bpx.SGD(0.1))
    assert_same(net.parameters, other.parameters)


def test_a_state_holds_arrays_alone():
    bad = Transformation(lambda parameters: Counted(0.5, None), doubled)
    with pytest.raises(bpx.InputError, match=r"gave 0\.5 as state\.eta; expected arrays"):
        initial(chain(bad), parameters())
    state = initial(chain(LINKS["rate"]), parameters())
    assert isinstance(state, Chain | ChainState)
    assert [each.tolist() for each in arrays(state)] == [[0.1]]


class WithUpdate(Optimizer):
    """Both forms at once: the older one would be taken."""

    transformations = (DOUBLED,)

    def update(self, parameters, gradients, state):
        return parameters, state


class OfNone(Optimizer):
    """Without transformations."""

    transformations = None


class Single(Optimizer):
    """Its transformations are one."""

    transformations = DOUBLED


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (WithUpdate(), "has init and update of its own"),
        (OfNone(), "transformations of the optimizer OfNone is None; expected a property"),
        (Single(), "transformations of the optimizer Single is Transformation"),
    ],
)
def test_a_base_alone_makes_no_optimizer(bad, said):
    with pytest.raises(bpx.InputError, match=said):
        check_optimizer(bad)


@pytest.mark.parametrize("given", [None, 3, (1, 2, 3)])
def test_an_update_that_gives_no_pair_is_named(given):
    def lost(updates, state, parameters):
        return given

    p = parameters()
    link = chain(Transformation(lambda parameters: (), lost))
    with pytest.raises(bpx.InputError, match="update 'lost' of a transformation gave"):
        link.update(gradients(p), link.init(p), p)


@pytest.mark.parametrize(
    "wrong",
    [lambda g: -0.1 * g[:1], lambda g: -0.1 * g.sum(), lambda g: 1.0],
    ids=["row", "sum", "one"],
)
def test_an_update_that_would_be_broadcast_is_named(wrong):
    def update(updates, state, parameters):
        return bpx.optim.mapped(wrong, updates), state

    net = bpx.Network([4, 3, 2], seed=0)
    before = net.parameters
    optimizer = chain(Transformation(lambda parameters: (), update))
    with pytest.raises(
        bpx.MixedArraysError, match=r"as the update of w\[0\]; expected an array"
    ):
        net.fit(np.ones((5, 4)), np.ones((5, 2)), epochs=1, batch_size=5, optimizer=optimizer)
    assert net.parameters is before
