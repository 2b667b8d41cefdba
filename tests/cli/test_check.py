"""``bpx check``: what it says of right formulas and of wrong ones, and how it ends."""

import pytest

import bpx
from tests.cli.judged import invoke, refused

pytestmark = pytest.mark.usefixtures("_parts")


def test_a_wrong_part_is_named_and_ends_in_1():
    output = invoke("check", "parts_of_mine.py:wrong", code=1)
    assert "WRONG: sigma', wrong: the largest deviation is 9.9e-03, at z = " in output


def test_a_wrong_network_is_named_with_its_layer():
    output = invoke("check", "parts_of_mine:wrong_network", code=1)
    assert "WRONG: BP2, layer 1, wrong: the largest deviation is 9.9e-03" in output


def test_a_tolerance():
    assert "WRONG" not in invoke("check", "parts_of_mine.py:wrong", "--tolerance", "0.05")
    assert "--tolerance 2.0 was given" in refused("check", "relu", "--tolerance", "2")


@pytest.mark.parametrize("name", ["relu", "softmax", "quadratic", "fa"])
def test_a_built_in_part(name):
    assert f"{name!r}" in invoke("check", name)


def test_all_built_in_parts():
    lines = invoke("check").splitlines()
    count = len(bpx.activations.ACTIVATIONS) + len(bpx.costs.COSTS)
    assert len(lines) == count + len(bpx.feedback.FEEDBACKS)
    assert all(line.startswith("ok  ") for line in lines)


def test_on_another_backend():
    pytest.importorskip("array_api_strict", reason="the other backend is array-api-strict")
    assert "on strict" in invoke("check", "tanh", "--backend", "strict")
    output = invoke("check", "parts_of_mine:right_network", "--backend", "strict")
    assert "checked on strict" in output
    assert "on strict" in invoke("check", "tanh", env={"BPX_BACKEND": "strict"})
