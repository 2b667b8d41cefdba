"""What a rule sees of its layer, and what it may give in place of BP4 and BP3."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

import bpx
from bpx.feedback import Feedback
from bpx.layers.dense import DenseParameters
from bpx.model.view import LayerView, rule_gradients


def view(**parts):
    n, k, below = 7, 3, 4
    usual = {
        "number": 2,
        "w": np.ones((k, below)),
        "b": np.zeros(k),
        "a_prev": np.ones((n, below)),
        "z": np.ones((n, k)),
        "a": np.ones((n, k)),
        "y": np.ones((n, 2)),
        "above": (np.ones((2, k)),),
        "B": None,
        "cost": lambda z: z[:, 0],
    }
    return LayerView(**usual | parts)


def test_it_is_the_output_where_nothing_is_above():
    assert not view().is_output
    assert view(above=()).is_output


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        view().w = np.zeros((3, 4))
    assert (replace(view(), number=5)).number == 5


def test_a_rule_is_given_the_view_the_error_and_the_weights():
    seen = []

    def gradients(layer, delta, r):
        seen.append((layer, delta, r))
        return 2.0 * layer.w, layer.b + 1.0

    layer = view()
    found = rule_gradients(Feedback("mine", gradients=gradients), layer, "delta", "r")
    assert isinstance(found, DenseParameters)
    assert (found.w == 2.0).all()
    assert (found.b == 1.0).all()
    assert seen == [(layer, "delta", "r")]


def test_a_list_is_a_pair_as_well():
    rule = Feedback("mine", gradients=lambda layer, delta, r: [layer.w, layer.b])
    found = rule_gradients(rule, view(), None, 1.0)
    assert [each.shape for each in found] == [(3, 4), (3,)]


@pytest.mark.parametrize(
    "rule", [bpx.feedback.fa, Feedback("keeps", gradients=lambda *_: None)]
)
def test_bp4_and_bp3_are_kept(rule):
    assert rule_gradients(rule, view(), None, 1.0) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((np.ones((3, 4)), np.ones(4)), r"shape \(3, 4\) and shape \(4,\)"),
        ((np.ones((4, 3)), np.ones(3)), r"shape \(4, 3\) and shape \(3,\)"),
        ((np.ones((3, 4)), None), r"shape \(3, 4\) and None"),
        ((np.ones((3, 4)), np.ones(3), 1.0), r"shape \(3,\) and 1\.0"),
        ((), "no arrays"),
        (0.5, r"0\.5"),
    ],
)
def test_what_is_no_such_pair_is_refused(given, told):
    rule = Feedback("odd", gradients=lambda layer, delta, r: given)
    said = rf"gradients of the feedback 'odd', layer 2, gave .*{told}; expected a pair, the "
    with pytest.raises(bpx.InputError, match=said):
        rule_gradients(rule, view(), None, 1.0)
