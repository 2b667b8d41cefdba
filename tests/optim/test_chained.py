"""The links of a chain as one: their states by name, their updates one after another."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from bpx.layers.dense import DenseParameters
from bpx.optim import Adam, Transformation, chain
from bpx.optim.chained import ChainState, _alike, adopted, averaged, averages, chained
from bpx.optim.scheduled import lasting
from bpx.program.contract import form, leaves, named_leaves, rebuilt
from tests.optim.descents import assert_same, gradients, parameters, visited
from tests.optim.links import AVERAGING, CHAINS, DOUBLED, LINKS, Counted, doubled, plus_one


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


def test_a_field_that_an_earlier_link_has_is_named_with_the_place_of_its_link():
    rule = chain(LINKS["decay"], bpx.AdamW(0.1, decay=0.5))
    state = rule.init(parameters())
    names = [name for name, _ in named_leaves(state, "state")]
    assert len(set(names)) == len(names)
    assert {"state.decay", "state[2].decay"} <= set(names)
    assert (state.decay.tolist(), state.parts[2].decay.tolist()) == ([0.1], [0.5])
    net = bpx.Network([4, 5, 3], seed=0)
    said = str(net.program(batch_size=2, optimizer=bpx.AdamW(0.1), lmbda=0.1))
    assert "optimizer.decay * parameters.w[0]" in said
    assert "optimizer[2].decay * parameters.w[0]" in said


RULES = {
    "adagrad": "rss",
    "rmsprop": "rms",
    "centred": "stddev",
    "lion": "lion",
    "muon": "orthogonal",
    "sparse": "l1_decayed",
    "averaged": "averaging",
    "schedule_free": "schedule_free_step",
}


# A step does not read what a plateau counts, nor what a schedule's last piece begins with.
@pytest.mark.parametrize("name", [name for name in CHAINS if not name.endswith("schedule")])
def test_a_printed_program_has_the_state_by_name(name):
    """Each array is read by its own name, and written once; each rule is named beside."""
    net = bpx.Network([4, 5, 3], seed=0)
    rule = lasting(chain(CHAINS[name]), None)
    said = str(net.program(batch_size=2, optimizer=rule)).splitlines()
    places = [place for place, _ in named_leaves(rule.init(net.parameters), "optimizer")]
    written = [line.partition(" <- ")[0] for line in said if " <- optimizer" not in line]
    read = "\n".join(said)
    assert all(place in read for place in places)
    changed = [place for place in written if place.startswith("optimizer")]
    assert len(set(changed)) == len(changed)
    assert name not in RULES or any(line.endswith(f"# {RULES[name]}") for line in said)


@pytest.mark.parametrize("name", CHAINS)
def test_a_layer_without_a_bias_is_updated(name):
    rng = np.random.default_rng(0)
    layers = [
        DenseParameters(rng.standard_normal((3, 2)), None),
        DenseParameters(rng.standard_normal((2, 3)), rng.standard_normal(2)),
    ]
    p, rule = bpx.Parameters(layers), lasting(chain(CHAINS[name]), None)
    full = bpx.Parameters([layers[0]._replace(b=np.ones(3)), layers[1]])
    for without, whole in zip(visited(rule, p, 4), visited(rule, full, 4), strict=True):
        assert without.layers[0].b is None
        if name != "clipped":  # by the norm of all
            assert_same(without.w, whole.w, 0.0)
            assert_same(without.layers[1].b, whole.layers[1].b, 0.0)


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


# Averages


@pytest.mark.parametrize("name", AVERAGING)
def test_the_last_link_is_asked_for_the_average_and_told_of_other_parameters(name):
    p, other = parameters(), bpx.optim.mapped(lambda w: w + 1.0, parameters())
    rule = chain(AVERAGING[name])
    assert averages(rule.update)
    state = rule.init(p)
    _, state = rule.update(gradients(p), state, p)
    found = averaged(rule.update, state, p)
    assert found is rule.update.rules[-1].averaged(state.parts[-1], p)
    begun = adopted(rule.update, state, other)
    assert begun.parts[:-1] == state.parts[:-1]
    assert form(begun) == form(state)
    assert averaged(rule.update, begun, other) is other


@pytest.mark.parametrize("rule", [chain(), bpx.Adam(), LINKS["scale"]], ids=repr)
def test_without_an_average_parameters_and_state_stay_as_they_are(rule):
    p, update = parameters(), chain(rule).update
    state = chain(rule).init(p)
    assert not averages(update)
    assert averaged(update, state, p) is p
    assert adopted(update, state, p) is state
    assert not averages(doubled)  # somebody's own update, without rules
