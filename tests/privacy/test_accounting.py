"""Epsilon against Opacus' accountant, and against what is known of composition."""

import sys
from math import exp, inf, nan

import pytest

import bpx
from bpx.privacy import Mechanism, accounting, epsilon, noise_for

pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

SETTINGS = {  # sigma, q, steps
    "small batches": (1.1, 256 / 60_000, 3510),
    "large batches": (4.0, 4096 / 60_000, 600),
    "much noise": (8.0, 0.01, 1000),
    "one step of all": (5.0, 1.0, 1),
}
each_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


@each_setting
def test_epsilon_is_that_of_opacus(setting):
    pytest.importorskip("opacus", reason="the peer is Opacus")
    from opacus.accountants.analysis import rdp

    (sigma, q, steps), orders = setting, accounting.ORDERS
    spent = rdp.compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=orders)
    theirs, _ = rdp.get_privacy_spent(orders=orders, rdp=spent, delta=1e-5)
    assert epsilon(*setting, 1e-5, accountant="rdp") == pytest.approx(theirs, rel=1e-3)


@each_setting
def test_the_tight_epsilon_is_below_renyis_bound(setting):
    tight, bound = (epsilon(*setting, 1e-5, accountant=each) for each in ("pld", "rdp"))
    assert 0.3 * bound < tight < bound


def test_a_training_in_two_calls_spends_what_one_call_does():
    first = Mechanism(1.5, 0.01, 300)
    for accountant in ("pld", "rdp"):
        whole = epsilon(1.5, 0.01, 1000, 1e-5, accountant=accountant)
        rest = epsilon(1.5, 0.01, 700, 1e-5, accountant=accountant, past=[first])
        assert rest == pytest.approx(whole, rel=1e-9)


def test_other_settings_are_composed_in_any_order():
    a, b = (1.5, 0.01, 300), (3.0, 0.05, 200)
    one = epsilon(*a, 1e-5, past=[Mechanism(*b)])
    assert one == pytest.approx(epsilon(*b, 1e-5, past=[Mechanism(*a)]), rel=1e-6)
    assert one > max(epsilon(*a, 1e-5), epsilon(*b, 1e-5))


def test_without_noise_nothing_is_private():
    assert epsilon(0.0, 0.01, 1, 1e-5) == inf
    assert epsilon(5.0, 0.01, 1, 1e-5, past=[Mechanism(0.0, 0.5, 1)]) == inf


@pytest.mark.parametrize("sigma", [0.1, 0.01, 0.001])
def test_little_noise_is_counted_in_little_memory(sigma):
    def delta(epsilon):  # of one Gaussian mechanism, exactly: Balle and Wang 2018, theorem 8
        a, b = 0.5 / sigma, epsilon * sigma
        return ndtr(a - b) - exp(epsilon + log_ndtr(-a - b))

    exact = brentq(lambda e: delta(e) - 1e-5, 1.0, 2.0 / sigma**2 + 1e3)
    assert exact <= epsilon(sigma, 1.0, 1, 1e-5) < 1.001 * exact
    assert epsilon(1e-7, 1.0, 1, 1e-5) == inf


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"noise_multiplier": -1.0},
            "noise_multiplier=-1.0 was given; expected a number of at",
        ),
        ({"sampling_rate": 0.0}, r"sampling_rate=0.0 was given; expected a number in \(0, 1\]"),
        ({"sampling_rate": 1.5}, "sampling_rate=1.5"),
        ({"steps": 0}, "steps=0 was given; expected a whole number of at least 1"),
        ({"delta": 0.0}, "delta=0.0"),
        ({"accountant": "plt"}, "accountant='plt' was given; expected 'pld' or 'rdp'.*'pld'"),
        ({"past": ("all",)}, r"past=\('all',\) was given; expected mechanisms"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    given = {"noise_multiplier": 1.0, "sampling_rate": 0.01, "steps": 10, "delta": 1e-5}
    with pytest.raises(bpx.InputError, match=said):
        epsilon(**{**given, **wrong})
    if not {"noise_multiplier", "past"} & set(wrong):
        del given["noise_multiplier"]
        with pytest.raises(bpx.InputError, match=said):
            noise_for(epsilon=1.0, **{**given, **wrong})


PAST = {  # sigma, q, steps, and whether nobody can draw the noise again
    "no noise": (0.0, 0.5, 1, True),
    "all samples, and a seed": (1.0, 1.0, 1, False),
    "a whole sigma": (2, 0.01, 10**9, True),
}
NO_PAST = {
    "negative noise": (-0.1, 0.5, 1, True),
    "a rate of 0": (1.0, 0.0, 1, True),
    "a rate above 1": (1.0, 1.1, 1, True),
    "no steps": (1.0, 0.5, 0, True),
    "steps that are not whole": (1.0, 0.5, 1.0, True),
    "steps that are a truth": (1.0, 0.5, True, True),
    "1 for True": (1.0, 0.5, 1, 1),
    "NaN": (nan, 0.5, 1, True),
    "text": ("1.0", 0.5, 1, True),
    "None": (1.0, None, 1, True),
}


@pytest.mark.parametrize("fields", PAST.values(), ids=PAST)
def test_a_past_of_mechanisms_is_taken(fields):
    one = Mechanism(*fields)
    assert accounting.is_mechanism(fields)
    assert accounting.check_past([one]) == accounting.check_past((one,)) == (one,)
    assert accounting.check_past(()) == ()


@pytest.mark.parametrize("fields", NO_PAST.values(), ids=NO_PAST)
def test_a_past_that_cannot_be_is_refused(fields):
    assert not accounting.is_mechanism(fields)
    right = Mechanism(1.0, 0.5, 1)
    for past in ((Mechanism(*fields),), (right, Mechanism(*fields))):
        with pytest.raises(bpx.InputError, match="was given; expected mechanisms"):
            accounting.check_past(past)


@pytest.mark.parametrize("past", [((1.0, 0.5, 1, True),), [Mechanism(1.0, 0.5, 1), None], None])
def test_a_past_of_something_else_is_refused(past):
    """Even of the numbers that a mechanism has."""
    with pytest.raises(bpx.InputError, match="was given; expected mechanisms"):
        accounting.check_past(past)


@pytest.mark.parametrize("fields", [(), (1.0, 0.5, 1), (1.0, 0.5, 1, True, 0), 7])
def test_what_has_other_fields_is_no_mechanism(fields):
    assert not accounting.is_mechanism(fields)


def test_equal_mechanisms_are_added_up_and_others_are_not():
    one, other, seeded = (1.0, 0.5), (1.0, 0.25), (1.0, 0.5)
    given = [
        Mechanism(*one, 3), Mechanism(*other, 1), Mechanism(*one, 4),
        Mechanism(*seeded, 5, secure=False),
    ]  # fmt: skip
    assert accounting.composed(given) == (
        Mechanism(*one, 7), Mechanism(*other, 1), Mechanism(*seeded, 5, secure=False),
    )  # fmt: skip


def test_without_dp_accounting_the_command_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(bpx.InputError, match=r"pip install dp-accounting"):
        epsilon(1.0, 0.0123, 10, 1e-5)
