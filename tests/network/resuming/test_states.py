"""The state of a training as arrays and numbers, and back."""

import json

import numpy as np
import pytest

import bpx
from bpx.network.resuming import states
from bpx.optim import mapped
from bpx.program.preparation import clock
from bpx.training.course import Course
from bpx.training.keeper import Place
from bpx.training.records import Sums
from bpx.training.step import zero_metrics
from tests.backends import Target, host
from tests.training.small import network


def course(target, optimizer=None):
    net = network(target, dropout=0.2, feedback="kp")
    return Course(net, optimizer or bpx.AdamW(0.1), 3)


def test_a_boundary_holds_what_the_networks_file_does_not(target):
    mine = course(target)
    found = states.arrays(mine, None)
    assert not any(name.startswith(("parameters", "feedback", "before")) for name in found)
    assert {"optimizer.eta", "optimizer.m.w[0]", "randomness.keys[1]"} <= found.keys()
    assert states.numbers(mine, None) == {
        "epoch": 0, "step": 0, "steps": 0, "seed": 3, "within": None,
    }  # fmt: skip


def test_it_is_restored(target):
    mine, other = course(target), course(target)
    mine.eta = 0.25
    mine.epochs, mine.steps = 2, 9
    on_host = {name: host(x) for name, x in states.arrays(mine, None).items()}
    given = mine.network.parameters, tuple(map(host, mine.network.feedback))
    told = states.numbers(mine, None)
    assert states.restore(other, "here", on_host, told, *given) is None
    assert (other.eta, other.epochs, other.steps) == (0.25, 2, 9)
    np.testing.assert_array_equal(host(other.network.weights[0]), host(mine.network.weights[0]))


@pytest.mark.parametrize("hits", [None, 2.5])
def test_a_place_within_an_epoch_is_restored(target, hits):
    mine, other = course(target), course(target)
    zero = zero_metrics(mine.state.parameters.b[0], 4, None if hits is None else "argmax")
    state = mine.state._replace(metrics=mapped(lambda x: x + 0.75, zero))
    sums = Sums(3, 40, clock() - 7.0, 1.5, hits, 8)
    place = Place(state, sums, 1, 4, 6, 6, 24)
    mine.epochs, mine.steps = 2, 20
    arrays = {name: host(x) for name, x in states.arrays(mine, place).items()}
    told = json.loads(json.dumps(states.numbers(mine, place)))
    given = mine.network.parameters, mine.network.feedback
    start = states.restore(other, "here", arrays, told, *given)
    assert start.of is other.state
    assert (other.epochs, other.steps) == (2, 20)
    assert start.place[2:] == place[2:]
    found = start.place.sums
    assert (found.epoch, found.total, found.cost, found.hits, found.samples) == (
        3, 40, 1.5, hits, 8,
    )  # fmt: skip
    assert found.seconds == pytest.approx(7.0, abs=5.0)
    np.testing.assert_array_equal(host(start.place.state.metrics.cost), np.full(4, 0.75))
    assert (start.place.state.metrics.hits is None) == (hits is None)
    assert other.network.home.owns(start.place.state.metrics.cost)
    del arrays["metrics.cost"]
    with pytest.raises(bpx.FileFormatError, match="here lacks the metrics of the epoch"):
        states.restore(other, "here", arrays, told, *given)


def test_two_links_with_fields_of_one_name_are_told_apart():
    rule = bpx.optim.chain(bpx.optim.add_decayed_weights(0.5), bpx.AdamW(0.1, decay=0.25))
    mine, other = course(Target.NUMPY, rule), course(Target.NUMPY, rule)
    found = states.arrays(mine, None)
    assert [host(found[f"optimizer{at}.decay"])[0] for at in ("", "[2]")] == [0.5, 0.25]
    given = mine.network.parameters, mine.network.feedback
    states.restore(other, "here", found, states.numbers(mine, None), *given)
    decays = [part.decay for part in other.state.optimizer.parts if hasattr(part, "decay")]
    assert [each[0] for each in decays] == [0.5, 0.25]


def test_what_does_not_fit_is_named_and_changes_nothing():
    mine = course(Target.NUMPY)
    state, given = mine.state, (mine.network.parameters, mine.network.feedback)
    found, told = states.arrays(mine, None), states.numbers(mine, None)
    del found["optimizer.eta"]
    with pytest.raises(
        bpx.InputError, match=r"here was saved .* only one of the two has optimi"
    ):
        states.restore(mine, "here", found, told, *given)
    told["within"] = {}
    with pytest.raises(bpx.InputError, match="here"):
        states.restore(mine, "here", states.arrays(mine, None), told, *given)
    assert mine.state is state
