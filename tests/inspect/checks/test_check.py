"""Right formulas pass, at points of any kind, and what cannot be checked is refused."""

import numpy as np
import pytest

import bpx
from bpx import costs
from bpx.inspect import check
from tests.inspect.checks.parts import ACTIVATIONS

# What is right passes


@pytest.mark.parametrize("name", [*ACTIVATIONS, *costs.COSTS])
def test_every_built_in_part_is_right(name, once):
    report = check(name, backend=once.spec)
    report.raise_if_wrong()
    assert report.ok
    assert bool(report.warnings) == (name == "exponential")  # it overflows
    assert not report.notes
    deviations = [row.deviation for row in report.rows if row.deviation is not None]
    assert max(deviations) < 0.2 * 1e-6
    assert sum(row.skipped for row in report.rows) == 0


def test_at_samples_of_ones_own():
    net = bpx.Network([4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1)
    x, y = np.random.default_rng(0).standard_normal((50, 4)), np.arange(50) % 3
    assert check(net, x, y).ok
    assert check(net, x.tolist(), np.eye(3)[y]).ok
    with pytest.raises(bpx.InputError, match="one of x and y was given"):
        check(net, x)
    with pytest.raises(bpx.InputError, match="they are only for a network"):
        check("relu", x, y)


# What cannot be checked


@pytest.mark.parametrize("what", [3.0, lambda z: z, None])
def test_what_is_no_part_is_refused(what):
    with pytest.raises(bpx.InputError, match="expected an activation"):
        check(what)


def test_an_unknown_name_is_refused():
    with pytest.raises(
        bpx.InputError, match=r"no built-in part 'rellu' \(did you mean 'relu'\?\)"
    ):
        check("rellu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("huber(-1)", r"'huber\(-1\)' cannot be made: delta=-1 was given; expected a positive"),
        ("huber(x)", "expected numbers in the brackets"),
        ("cross_entropy", "check 'categorical_cross_entropy' or 'binary_cross_entropy'"),
        ("focal(1)", r"check 'categorical_focal\(gamma=1\.0\)' or 'binary_focal"),
    ],
)
def test_a_cost_that_cannot_be_made_or_is_two_is_refused(name, message):
    with pytest.raises(bpx.InputError, match=message):
        check(name)


@pytest.mark.parametrize("tolerance", [0.0, 0.1, -1.0, "small"])
def test_a_tolerance_that_tells_nothing_is_refused(tolerance):
    with pytest.raises(bpx.InputError, match="tolerance="):
        check("relu", tolerance=tolerance)


def test_where_float64_cannot_be_stored_numpy_is_taken(monkeypatch):
    from bpx.arrays.home import Home

    def refuse(self, dtype):
        raise bpx.BackendError("no float64 here")

    monkeypatch.setattr(Home, "stored_as", refuse)
    report = check("tanh")
    assert report.ok
    assert report.notes == (
        "float64 cannot be stored on numpy (no float64 here): derivatives were taken on numpy",
    )
    assert report.notes[0] in str(report)
