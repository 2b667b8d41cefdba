"""Places within an epoch: from each of them, training ends with the same bits."""

import numpy as np
import pytest

import bpx
from bpx.arrays.registry import dtype_name
from bpx.arrays.transfer import bring
from bpx.program.contract import leaves, rebuilt
from bpx.training import chunks
from bpx.training.arguments import Options, checked
from bpx.training.batches import Shuffled
from bpx.training.course import Course
from bpx.training.keeper import NOBODY, Start
from bpx.training.loop import Loop
from tests.backends import Target, flags, host
from tests.training.small import network, samples


class Watching:
    """Writes down what it is asked."""

    def __init__(self, limit=None, home=None):
        self.limit, self.home, self.places, self.heard = limit, home, [], []

    records = ()

    def attending(self):
        return NOBODY.attending()

    def most(self):
        return self.limit

    def between(self, place):
        if self.home is not None:  # the next chunk may overwrite it
            copies = [_copied(x, self.home) for x in leaves(place.state)]
            place = place._replace(state=rebuilt(place.state, copies))
        self.places.append(place)
        self.heard.append("between")

    def before(self, *, ends):
        self.heard.append("end" if ends else "before")

    def recorded(self, epoch):
        self.heard.append(epoch.number)

    def ended(self, stopped):
        self.heard.append(stopped.reason)


def _copied(x, home):
    return bring(x, home, "x", dtype=dtype_name(x), copy=True)


def loop(net, target, keeper=NOBODY, begin=None, weight=None):
    options = Options(bpx.Adam(0.05), compile=target.value.compile)
    job = checked(net, samples(43), options, epochs=2, sample_weight=weight)
    batches = Shuffled(net.home, job.step, job.data, 4, 1, shuffle=True, drop_last=False)
    return Loop(Course(net, job.optimizer, 1), job, batches, keeper=keeper, begin=begin)


def plain(epoch):
    return epoch._replace(seconds=0.0, samples_per_second=0.0)


@pytest.mark.parametrize("weights", [False, True])
def test_an_epoch_continues_from_each_place_to_the_same_bits(target, monkeypatch, weights):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(chunks, "SUM_STEPS", 4)
    weight = np.linspace(0.5, 2.0, 43) if weights else None
    with flags(target):
        net = network(target, dropout=0.2)
        keeper = Watching(home=net.home)
        first = loop(net, target, keeper, weight=weight)
        expected = plain(first())
        assert [place.steps for place in keeper.places] == list(range(1, 12))
        assert [place.ends for place in keeper.places] == [False] * 10 + [True]
        for place in [*keeper.places[::3], keeper.places[-1]]:
            other = network(target, dropout=0.2)
            again = loop(other, target, weight=weight)
            again.begin = Start(place, again.course.state)
            assert plain(again()) == expected
            for a, b in zip(other.parameters.w, net.parameters.w, strict=True):
                np.testing.assert_array_equal(host(a), host(b))


def test_a_place_is_for_the_state_before_its_epoch_alone():
    net, target = network(), Target.NUMPY
    keeper = Watching(1, net.home)
    loop(net, target, keeper)()
    other = network()
    again = loop(other, target)
    again.begin = Start(keeper.places[3], again.course.state)
    other.parameters = other.parameters  # the caller has set it
    again()
    np.testing.assert_array_equal(other.weights[0], net.weights[0])


def test_it_is_asked_before_each_epoch_between_chunks_and_at_the_end(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 1e6)
    keeper = Watching(limit=5)
    training = loop(network(), Target.NUMPY, keeper)
    training.chunks.pace.steps = 100
    assert [training().number, training().number, training()] == [1, 2, None]
    assert keeper.heard == [
        "before", "between", "between", "between", 1,
        "before", "between", "between", "between", 2, "end", "epochs",
    ]  # fmt: skip
    assert [place.steps for place in keeper.places] == [5, 10, 11] * 2
    assert [place.sums.total for place in keeper.places] == [43] * 6


def test_nobody_asks_for_nothing():
    with NOBODY.attending():
        assert NOBODY.most() is None
    NOBODY.close()
