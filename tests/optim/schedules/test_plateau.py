"""A learning rate that falls when the cost does not: the counters, beside PyTorch's."""

import numpy as np
import pytest

import bpx
from bpx.optim import linear_warmup, reduce_on_plateau
from bpx.optim.schedules.plateau import after_epoch, watches
from bpx.program.contract import leaves, rebuilt
from tests.backends import host

RNG = np.random.default_rng(0)
COSTS = {
    "noise": list(1.0 + 0.3 * RNG.standard_normal(60)),
    "falling": list(1.0 / np.arange(1, 61)),
    "rising": list(np.arange(1.0, 61.0)),
    "slowly": [1.0 - 1e-5 * i for i in range(60)],
    "steps": [1.0 - 0.1 * (i // 8) for i in range(60)],
}
SETTINGS = {
    "usual": {"factor": 0.5, "patience": 3},
    "impatient": {"factor": 0.9, "patience": 0},
    "cooldown": {"factor": 0.5, "patience": 2, "cooldown": 4},
    "smallest": {"factor": 0.3, "patience": 1, "smallest": 0.02},
    "threshold": {"factor": 0.5, "patience": 2, "threshold": 0.1},
}


def followed(schedule, costs, target=None, dtype="float64"):
    """The learning rate after each epoch."""
    made, found = target.asarray if target else np.asarray, []
    numbers = [made([each], dtype) for each in leaves(schedule.numbers)]
    numbers = rebuilt(schedule.numbers, numbers)
    for cost in costs:
        numbers = after_epoch(numbers, cost)
        assert {str(each.dtype).rpartition(".")[2] for each in leaves(numbers)} == {dtype}
        found.append(float(host(schedule.rate(None, numbers))[0]))
    return found


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_it_is_pytorchs(costs, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    given = dict(SETTINGS[settings])
    ours = reduce_on_plateau(0.4, **given)
    least = given.pop("smallest", 0.0)
    descent = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(descent, min_lr=least, eps=0.0, **given)
    expected = []
    for cost in COSTS[costs]:
        other.step(cost)
        expected += other.get_last_lr()
    found = followed(ours, COSTS[costs])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found[-1] < 0.4) == (costs != "falling" or settings == "threshold")


def test_every_backend_counts_alike(target):
    schedule = reduce_on_plateau(0.4, factor=0.5, patience=2, cooldown=1)
    for dtype, near in (("float64", 1e-12), ("float32", 1e-6)):
        expected = followed(schedule, COSTS["noise"])
        found = followed(schedule, COSTS["noise"], target, dtype)
        np.testing.assert_allclose(found, expected, rtol=near)


def test_a_cost_that_is_not_a_number_is_not_better():
    schedule = reduce_on_plateau(0.4, factor=0.5, patience=0)
    assert followed(schedule, [1.0, float("nan"), 0.5]) == [0.4, 0.2, 0.2]


def test_nor_is_it_the_lowest():
    schedule = reduce_on_plateau(0.4, factor=0.5, patience=0)
    assert followed(schedule, [float("nan"), 1.0, 0.5, 0.6]) == [0.4, 0.4, 0.4, 0.2]


def test_costs_below_0_are_compared_too():
    """−1 is not better than −1, whatever the threshold."""
    schedule = reduce_on_plateau(0.4, factor=0.5, patience=1, threshold=0.1)
    costs = [-1.0, -1.0, -0.95, -1.05, -1.2, -1.2]
    assert followed(schedule, costs) == [0.4, 0.4, 0.2, 0.2, 0.2, 0.2]
    expected = [0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.1]
    assert followed(schedule, [*costs, -1.0]) == expected


def test_several_networks_have_numbers_of_their_own():
    schedule = reduce_on_plateau(0.4, factor=0.5, patience=0)
    numbers = rebuilt(
        schedule.numbers, [np.full((3, 1, 1), each) for each in leaves(schedule.numbers)]
    )
    for cost in (1.0, 2.0):
        numbers = after_epoch(numbers, cost)
    assert {each.shape for each in leaves(numbers)} == {(3, 1, 1)}
    assert numbers.eta.ravel().tolist() == [0.2] * 3


def test_who_watches():
    plateau = reduce_on_plateau(0.1)
    assert watches(plateau.numbers)
    assert watches(linear_warmup(plateau, steps=3).numbers)
    assert not watches(bpx.optim.warmup_cosine(0.1, warmup=1, steps=5).numbers)
    plain = linear_warmup(0.1, steps=3).numbers
    assert after_epoch(plain, 1.0) is plain
    warmed = linear_warmup(plateau, steps=3).numbers
    arrays = rebuilt(warmed, [np.full(1, each) for each in leaves(warmed)])
    after = after_epoch(arrays, 2.0)
    assert (float(after.then.epochs[0]), float(after.then.best[0])) == (1.0, 2.0)
    assert after.warmup is arrays.warmup


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": 0.0}, "start=0.0"),
        ({"factor": 1.0}, "factor=1.0"),
        ({"patience": -1}, "patience=-1"),
        ({"cooldown": 1.5}, "cooldown=1.5"),
        ({"threshold": 1.0}, "threshold=1.0"),
        ({"smallest": -0.1}, "smallest=-0.1"),
    ],
    ids=str,
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        reduce_on_plateau(**{"start": 0.1, **settings})
