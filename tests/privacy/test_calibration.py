"""The noise for a target epsilon, against the epsilon that it spends."""

import sys

import pytest

import bpx
from bpx.privacy import Mechanism, epsilon, noise_for

pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")


@pytest.mark.parametrize("accountant", ["pld", "rdp"])
@pytest.mark.parametrize("target", [0.5, 4.0])
def test_the_noise_for_an_epsilon_spends_it_and_hardly_less(accountant, target):
    settings = {"sampling_rate": 0.02, "steps": 500, "accountant": accountant}
    sigma = noise_for(target, 1e-5, **settings)
    spent = epsilon(sigma, 0.02, 500, 1e-5, accountant=accountant)
    assert 0.995 * target <= spent <= target


@pytest.mark.parametrize("accountant", ["pld", "rdp"])
@pytest.mark.parametrize("target", [1e-6, 0.01, 1e6])
def test_the_noise_for_an_epsilon_out_of_the_way(accountant, target, caplog):
    settings = {"sampling_rate": 0.5, "steps": 3, "accountant": accountant}
    sigma = noise_for(target, 1e-5, **settings)
    found = epsilon(sigma, 0.5, 3, 1e-5, accountant=accountant)
    assert found <= target
    assert epsilon(0.9 * sigma, 0.5, 3, 1e-5, accountant=accountant) > target
    assert not caplog.records  # of orders that did not converge


def test_the_noise_makes_up_for_the_past():
    settings = {"sampling_rate": 0.02, "steps": 100, "accountant": "rdp"}
    past = [Mechanism(1.0, 0.02, 100)]
    more, alone = noise_for(4.0, 1e-5, past=past, **settings), noise_for(4.0, 1e-5, **settings)
    assert more > alone
    assert epsilon(more, 0.02, 100, 1e-5, past=past, accountant="rdp") <= 4.0
    with pytest.raises(bpx.InputError, match="1 mechanisms of the past; no amount of noise is"):
        noise_for(0.5, 1e-5, past=past, **settings)


def test_an_epsilon_to_aim_at_is_positive():
    with pytest.raises(bpx.InputError, match="epsilon=0 was given; expected a positive number"):
        noise_for(0, 1e-5, sampling_rate=0.1, steps=10)


@pytest.mark.parametrize("target", [-1.0, float("nan"), float("inf"), "1", None, True])
def test_what_is_no_positive_number_is_refused(target):
    with pytest.raises(bpx.InputError, match=f"epsilon={target!r} was given; expected a posi"):
        noise_for(target, 1e-5, sampling_rate=0.1, steps=10)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sampling_rate": 0.0}, r"sampling_rate=0.0 was given; expected a number in \(0, 1\]"),
        ({"steps": 0}, "steps=0 was given; expected a whole number of at least 1"),
        ({"delta": 1.0}, "delta=1.0"),
        ({"accountant": "gdp"}, "accountant='gdp' was given; expected 'pld' or 'rdp'"),
        ({"past": (1.0,)}, r"past=\(1.0,\) was given; expected mechanisms"),
    ],
    ids=str,
)
def test_what_accounting_refuses_is_refused(wrong, said):
    given = {"delta": 1e-5, "sampling_rate": 0.01, "steps": 10, "accountant": "rdp"}
    with pytest.raises(bpx.InputError, match=said):
        noise_for(1.0, **{**given, **wrong})


def test_more_steps_and_a_smaller_epsilon_want_more_noise():
    def noise(epsilon, steps):
        return noise_for(epsilon, 1e-5, sampling_rate=0.02, steps=steps, accountant="rdp")

    assert noise(2.0, 200) > noise(2.0, 100) > noise(4.0, 100)


def test_the_tight_accountant_asks_for_less():
    settings = {"sampling_rate": 0.02, "steps": 100}
    tight, bound = (noise_for(2.0, 1e-5, accountant=a, **settings) for a in ("pld", "rdp"))
    assert tight < bound


def test_without_dp_accounting_the_command_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(bpx.InputError, match=r"pip install dp-accounting"):
        noise_for(1.0, 1e-5, sampling_rate=0.0321, steps=10)
