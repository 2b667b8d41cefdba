"""Lengths of schedules: steps, epochs, and the rest of the training."""

import pytest

import bpx
from bpx.optim import Epochs
from bpx.optim.schedules.cosines import Cosine, WarmupCosine
from bpx.optim.schedules.joined import Warmed
from bpx.optim.schedules.lengths import Length, check_ascending, is_open, settled, span


def test_a_number_stays_and_a_length_becomes_steps():
    length = Length(per_epoch=7, total=21)
    assert length.steps(0.25) == 0.25
    assert length.steps(None) == 21.0
    assert length.steps(Epochs(2)) == 14.0
    assert length.steps(Epochs(0.5)) == 4.0  # 3.5, rounded to even
    assert length.steps(Epochs(0.01)) == 1.0
    assert length.after(20.0).steps(None) == 1.0


@pytest.mark.parametrize(
    ("length", "given", "message"),
    [
        (Length(None, None), Epochs(2), r"lasts Epochs\(number=2\).*give steps_per_epoch"),
        (Length(5, None), None, "nobody knows the end of this stream; give epochs"),
        (Length(5, 0), None, "begins 0 steps after the end of the training"),
        (Length(5, 10).after(13.0), None, "begins 3 steps after the end of the training"),
    ],
)
def test_a_length_that_nobody_knows(length, given, message):
    with pytest.raises(bpx.InputError, match=message):
        length.steps(given)
    assert length.steps(3.0) == 3.0


def test_which_numbers_are_open():
    assert is_open(Cosine(0.1, None, 0.0))
    assert is_open(Warmed(3.0, Cosine(0.1, Epochs(1), 0.0)))
    assert not is_open(Warmed(3.0, Cosine(0.1, 5.0, 0.0)))


def test_settled_numbers_are_of_the_same_kind():
    assert settled(Cosine(0.1, None, 0.0), Length(5, 10)) == Cosine(0.1, 10.0, 0.0)
    nested = Warmed(3.0, Cosine(0.1, None, 0.0))
    assert settled(nested, Length(5, 10)) == Warmed(3.0, Cosine(0.1, 7.0, 0.0))
    assert settled((Epochs(1), (2.0,)), Length(5, 10)) == (5.0, (2.0,))


def test_for_a_program_that_is_only_read_any_length_will_do():
    numbers = WarmupCosine(0.1, Epochs(5), None, 0.0)
    assert settled(numbers, None) == WarmupCosine(0.1, 1.0, 1.0, 0.0)


def test_a_span_is_steps_or_epochs_or_the_rest():
    assert span("steps", 3) == 3.0
    assert span("warmup", 0, 0) == 0.0
    assert span("steps", None) is None
    assert span("steps", Epochs(2)) == Epochs(2)
    for bad in (0, 1.5, "3", True):
        with pytest.raises(bpx.InputError, match=f"steps={bad!r} was given; .*Epochs"):
            span("steps", bad)


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), None, "2"])
def test_a_number_of_epochs_is_positive(bad):
    with pytest.raises(bpx.InputError, match=r"number=.* a positive number of epochs"):
        Epochs(bad)


@pytest.mark.parametrize("steps", [(3.0, 3.0), (4.0, 3.0), (Epochs(2), Epochs(1))])
def test_boundaries_ascend(steps):
    with pytest.raises(bpx.InputError, match="expected ascending steps"):
        check_ascending("changes", steps)
    check_ascending("changes", (1.0, Epochs(1), 2.0))
