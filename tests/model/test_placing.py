"""Parameters and what a feedback has drawn come home as copies, or not at all."""

import numpy as np
import pytest

import bpx
from bpx.model.placing import placed
from bpx.program.contract import leaves
from tests.backends import assert_at_home, host


def given(rule="fa"):
    net = bpx.Network([3, 4, 2], feedback=rule, seed=0, backend="numpy")
    return net.spec, net.parameters, net.feedback


def test_they_are_copied_to_the_home(target):
    spec, parameters, feedback = given()
    net = target.network([3, 4, 2], seed=1)
    found, drawn = placed(spec, parameters, feedback, net.home)
    pairs = zip([*leaves(found), *drawn], [*leaves(parameters), *feedback], strict=True)
    for ours, theirs in pairs:
        assert_at_home(ours, net, "float32")
        assert ours is not theirs
        np.testing.assert_array_equal(host(ours), theirs)


def test_a_key_stays_whole_numbers(target):
    spec, parameters, feedback = given("brsf")
    net = target.network([3, 4, 2], seed=1)
    _, (key,) = placed(spec, parameters, feedback, net.home)
    assert_at_home(key, net, "int32")


@pytest.mark.parametrize(
    ("changed", "drawn", "said"),
    [
        (lambda w: [w[0].T, w[1]], 1, "weights of shapes"),
        (lambda w: w[:1], 1, "weights"),
        (lambda w: w, 0, "feedback"),
    ],
)
def test_what_does_not_fit_is_refused(changed, drawn, said):
    spec, parameters, feedback = given()
    w = changed(list(parameters.w))
    wrong = bpx.Parameters.dense(w, list(parameters.b)[: len(w)])
    home = bpx.Network([3, 4, 2], seed=1, backend="numpy").home
    with pytest.raises(bpx.InputError, match=said):
        placed(spec, wrong, feedback[:drawn], home)
