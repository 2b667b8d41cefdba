"""How a private training is to be done: a value that is checked."""

from math import inf, nan

import pytest

import bpx
from bpx.privacy import DPSGD, Mechanism
from bpx.privacy.dpsgd import check_privacy


@pytest.mark.parametrize(
    ("batch", "n", "expected"), [(8, 60, 15), (60, 60, 60), (1, 1, 1), (100, 10_000, 125)]
)
def test_the_physical_size_is_above_the_expected_one(batch, n, expected):
    assert DPSGD(noise_multiplier=1.0).physical(batch, n) == expected


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"noise_multiplier": -0.1},
            "noise_multiplier=-0.1 was given; expected a number of at",
        ),
        ({"clip": 0.0}, "clip=0.0 was given; expected a positive number"),
        ({"delta": 1.0}, "delta=1.0 was given"),
        ({"accountant": "gdp"}, "accountant='gdp' was given; expected 'pld' or 'rdp'"),
        ({"physical_size": 0}, "physical_size=0 was given"),
        ({"draws": 0}, "draws=0 was given"),
        ({"seed": -1}, "seed=-1 was given"),
        ({"past": Mechanism(1.0, 2.0, 3)}, "was given; expected mechanisms, such as"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, said):
    with pytest.raises(bpx.InputError, match=said):
        DPSGD(**{"noise_multiplier": 1.0, **wrong})


def test_a_size_that_is_given_is_that_or_all_samples():
    given = DPSGD(noise_multiplier=1.0, physical_size=16)
    assert given.physical(8, 60) == 16
    assert given.physical(8, 10) == 10


def test_it_is_a_value():
    one, other = (DPSGD(noise_multiplier=1.0, clip=(0.5, 1.0)) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != DPSGD(noise_multiplier=1.0)
    with pytest.raises(AttributeError):
        one.clip = 2.0
    with pytest.raises(TypeError):
        DPSGD(1.0)


@pytest.mark.parametrize("bad", [nan, inf, None, "1", True])
@pytest.mark.parametrize("name", ["noise_multiplier", "delta", "clip"])
def test_what_is_no_number_is_refused(name, bad):
    with pytest.raises(bpx.InputError, match=f"{name}={bad!r} was given"):
        DPSGD(**{"noise_multiplier": 1.0, name: bad})


@pytest.mark.parametrize("bad", [1.5, True, "8"])
@pytest.mark.parametrize("name", ["draws", "physical_size", "seed"])
def test_what_is_not_whole_is_refused(name, bad):
    with pytest.raises(bpx.InputError, match=f"{name}={bad!r} was given; expected a whole"):
        DPSGD(noise_multiplier=1.0, **{name: bad})


@pytest.mark.parametrize("seed", [0, 2**64 - 1, None])
def test_seeds_in_their_range(seed):
    assert DPSGD(noise_multiplier=0.0, seed=seed).seed == seed


# Beside the other arguments of a training

RIGHT = {"privacy": DPSGD(noise_multiplier=1.0), "n": 60, "seed": None}
RIGHT |= {"shuffle": True, "drop_last": False}


def test_what_fits_passes():
    assert check_privacy(**RIGHT) is None


def test_a_training_that_is_not_private_may_do_as_it_likes():
    assert check_privacy(None, 60, 1, shuffle=False, drop_last=True) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"privacy": True}, r"privacy=True was given; expected bpx\.privacy\.DPSGD"),
        ({"privacy": DPSGD}, r"expected bpx\.privacy\.DPSGD\(noise_multiplier=\.\.\.\)"),
        ({"shuffle": False}, "shuffle=False was given with privacy.*Poisson sampling.*Omit"),
        ({"drop_last": True}, "drop_last=True was given with privacy.*varying sizes"),
        ({"seed": 0}, r"seed=0 was given with privacy.*use DPSGD\(seed=\.\.\.\)"),
        (
            {"weights": ["sample_weight", "class_weight"]},
            "sample_weight was given with privacy.*equal weight",
        ),
        ({"n": 100_000}, r"delta=1e-05 was given for 100000 samples; expected less than 1 / n"),
    ],
    ids=str,
)
def test_what_contradicts_it_is_refused(wrong, said):
    with pytest.raises(bpx.InputError, match=said):
        check_privacy(**{**RIGHT, **wrong})
