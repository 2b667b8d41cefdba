"""What is asked of a look at a network's health."""

import pytest

import bpx
from bpx import inspect


def test_it_looks_at_500_samples_by_the_usual_limits():
    assert bpx.HealthProbe() == bpx.HealthProbe(samples=500, limits=inspect.Limits())


def test_it_is_frozen():
    with pytest.raises(AttributeError):
        bpx.HealthProbe().samples = 2


def test_refusals():
    with pytest.raises(bpx.InputError, match="samples=0 was given; expected a whole number"):
        bpx.HealthProbe(samples=0)
    with pytest.raises(bpx.InputError, match=r"limits=0.1 was given; expected bpx\.inspect"):
        bpx.HealthProbe(limits=0.1)
