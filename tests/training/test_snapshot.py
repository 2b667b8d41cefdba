"""What training continues from: it prints as a line, and one that does not fit is refused."""

import pytest

import bpx
from bpx.training.snapshot import TrainingState, check_alike
from tests.training.small import network


def state(optimizer=None, seed=1, **settings):
    rule = bpx.Adam(0.1) if optimizer is None else optimizer
    return bpx.Trainer(network(**settings), optimizer=rule, seed=seed).state


def test_it_prints_as_a_line():
    assert repr(state()).startswith(
        "<bpx.TrainingState after 0 epochs, 0 steps, seed 1, of <bpx."
    )


def test_its_arrays_are_the_fields_that_hold_them():
    found = state()
    assert isinstance(found, TrainingState)
    four = found.parameters, found.optimizer, found.feedback, found.randomness
    assert found.arrays == (*four, found.loss_scale)


def test_a_state_that_fits_is_taken():
    assert check_alike(state(), state(), any_seed=False) is None
    assert check_alike(state(), state(seed=2), any_seed=True) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: None, "state is NoneType; expected the `.state`"),
        (lambda: state(seed=2), "with seed=2, but this one has seed=1"),
        (lambda: state(bpx.SGD(0.1)), "the state has optimizer of the form"),
        (lambda: state(norm="layer"), "the state has parameters of the form"),
        (lambda: state(dropout=0.5), "the state has randomness of the form"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        check_alike(state(), given(), any_seed=False)
