"""Samples in windows: evaluated as arrays are, and given up cleanly."""

import numpy as np
import pytest

import bpx
from bpx.model.inputs import Samples
from bpx.model.windowed import WindowedSamples, evaluated


class Some(list):
    closed = 0

    def close(self):
        self.closed += 1


def span(as_numbers, begin, end):
    raise AssertionError("only several ranks read spans")


def windowed(net, *parts, numbers=()):
    made = {False: Some(parts), True: Some(numbers)}
    return WindowedSamples(None, "the stream", made.get, lambda: parts[0], span), made


def part(a, b, accuracy="argmax"):
    x = np.random.default_rng(0).random((9, 2), dtype="float32")[a:b]
    return Samples(x, np.arange(9, dtype="int32")[a:b] % 3, accuracy)


def test_sums_over_windows_are_those_over_all():
    net = bpx.Network([2, 3], seed=0)
    found, made = windowed(net, part(0, 4), part(4, 9))
    expected = evaluated(net.spec, net.parameters, part(0, 9))
    assert evaluated(net.spec, net.parameters, found).cost == pytest.approx(expected.cost)
    assert evaluated(net.spec, net.parameters, found).accuracy == expected.accuracy
    assert made[False].closed == 2


def test_windows_that_disagree_are_read_again_as_numbers():
    net = bpx.Network([2, 3], seed=0)
    numbers = [part(0, 9, None)]
    found, made = windowed(net, part(0, 4), part(4, 9, None), numbers=numbers)
    assert evaluated(net.spec, net.parameters, found) == evaluated(
        net.spec, net.parameters, numbers[0]
    )
    assert made[False].closed == made[True].closed == 1


def test_it_is_closed_after_an_error():
    net = bpx.Network([2, 3], seed=0)
    found, made = windowed(net, part(0, 4, None))
    with pytest.raises(bpx.InputError, match="targets that are numbers"):
        evaluated(net.spec, net.parameters, found, (bpx.metrics.METRICS["f1"],))
    assert made[False].closed == 1


def test_no_samples_are_refused():
    net = bpx.Network([2, 3], seed=0)
    found = WindowedSamples(
        None, "the stream", lambda numbers: Some(), lambda: part(0, 1), span
    )
    with pytest.raises(bpx.InputError, match="the stream has no samples"):
        evaluated(net.spec, net.parameters, found)


def test_the_first_samples_are_looked_at_once():
    looks = []

    def look():
        looks.append(1)
        return part(0, 2)

    found = WindowedSamples(None, "the stream", lambda numbers: Some(), look, span)
    assert not looks
    assert found.looked_at() is found
    assert found.accuracy == "argmax"
    assert looks == [1]
