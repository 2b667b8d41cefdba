"""The settings of a run, compared with those that are given."""

import math
import re

import numpy as np
import pytest

import bpx
from bpx.network.resuming.settings import OWN, check_same, described


def own(updates, state, parameters):
    return updates, state


MINE = bpx.optim.Transformation(own, own)


def test_settings_are_described_and_your_own_only_named():
    found = described({"optimizer": MINE, "lmbda": 0.1, "class_weight": {0: 2.0}})
    assert found["optimizer"] == {OWN: True}
    assert found["lmbda"] == 0.1
    assert found["class_weight"] == {"$items": [[0, 2.0]]}


SAVED = described(
    {"optimizer": bpx.SGD(0.1), "batch_size": 10, "class_weight": None, "own": MINE}
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 11}, "batch_size=11 was given, but run was trained with batch_size 10"),
        ({"optimizer": bpx.SGD(0.2)}, r"with optimizer SGD\(eta=0.1, momentum=0.0, nesterov=F"),
        ({"optimizer": bpx.Adam(0.1)}, "was trained with optimizer SGD"),
        ({"optimizer": MINE}, "was trained with optimizer SGD"),
        ({"own": bpx.SGD(0.1)}, "was trained with own of your own"),
        (
            {"class_weight": "balanced"},
            "class_weight='balanced' .* class_weight None; give the",
        ),
        ({"class_weight": {0: 1.0}}, "class_weight None"),
    ],
)
def test_other_settings_are_refused_by_name(given, said):
    check_same("run", SAVED, {"optimizer": bpx.SGD(0.1), "batch_size": 10, "own": MINE})
    with pytest.raises(bpx.InputError, match=said):
        check_same("run", SAVED, given)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({0: 2.0, 1: 0.5}, "{0: 2.0, 1: 0.5}"),
        ({"a": 2.0}, "{'a': 2.0}"),
        (math.inf, "inf"),
        (np.array([1.0, 2.0]), "[1.0, 2.0]"),
        ([(1, 2), math.nan], "[(1, 2), nan]"),
    ],
)
def test_a_setting_is_shown_as_it_is_written(value, shown):
    with pytest.raises(bpx.InputError, match=re.escape(f"was trained with it {shown}; give")):
        check_same("run", described({"it": value}), {"it": None})


def test_a_schedule_is_shown_as_it_is_written():
    saved = described({"optimizer": bpx.SGD(bpx.optim.warmup_cosine(0.1, warmup=1, steps=9))})
    with pytest.raises(bpx.InputError, match=r"rate=_warmup_cosine, numbers=WarmupCosine\(pe"):
        check_same("run", saved, {"optimizer": bpx.SGD(0.1)})
