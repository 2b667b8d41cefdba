"""The links of a chain as one: their states by name, their updates one after another."""

import copy
import pickle

import pytest

import bpx
from bpx.optim import Adam, Transformation, chain
from bpx.optim.chained import ChainState, _alike, chained
from bpx.optim.scaling import lasting
from bpx.program.contract import form, leaves, named_leaves, rebuilt
from tests.optim.descents import assert_same, gradients, parameters, visited
from tests.optim.links import CHAINS, DOUBLED, LINKS, Counted, doubled, plus_one


def test_updates_of_chains_are_made_once():
    assert chained((doubled, plus_one)) is chained((doubled, plus_one))


# The state


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
    state = lasting(chain(CHAINS[name]), None).init(parameters())
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


@pytest.mark.parametrize("given", [None, 3, (1, 2, 3)])
def test_an_update_that_gives_no_pair_is_named(given):
    def lost(updates, state, parameters):
        return given

    p = parameters()
    link = chain(Transformation(lambda parameters: (), lost))
    with pytest.raises(bpx.InputError, match="update 'lost' of a transformation gave"):
        link.update(gradients(p), link.init(p), p)


@pytest.mark.parametrize(
    "other", [(), None, ("t",), ("t", ("m",)), ("t", ["m", "v"]), ("t", ("m", None)), "t"]
)
def test_a_state_of_another_form_is_seen_however_deep(other):
    state = ("t", ("m", "v"))
    assert _alike(("u", ("n", "w")), state)
    assert not _alike(other, state)
    assert not _alike(state, other)


def test_states_without_arrays_are_alike():
    assert _alike((), ())
    assert _alike("one", "other")
    assert _alike(None, None)
    assert not _alike(None, "array")
