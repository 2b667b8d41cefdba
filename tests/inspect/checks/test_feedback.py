"""Rules in BP2's place: what can be wrong of them, and what is told."""

import numpy as np
import pytest

import bpx
from bpx.inspect import check
from tests.inspect.checks.parts import only_bp2, too_large


@pytest.mark.parametrize("name", bpx.feedback.FEEDBACKS)
def test_every_built_in_feedback_is_well_behaved(name, once):
    report = check(name, backend=once.spec)
    report.raise_if_wrong()
    assert not report.warnings
    assert len(report.notes) == (0 if name == "transpose" else 2)


@pytest.mark.parametrize("name", ["fa", "dfa", "kp", "brsf", "usf"])
def test_a_network_with_another_rule_is_right(name):
    net = bpx.Network([4, 5, 4, 3], feedback=name, seed=2)
    report = check(net)
    report.raise_if_wrong()
    x, y = np.random.default_rng(0).standard_normal((12, 4)), np.arange(12) % 3
    told = check(net, x, y).notes
    net.to(dtype="float64")
    trace = net.backprop(x, y)
    angles = bpx.inspect.gradient_alignment(net.spec, net.parameters, trace).angle
    assert f"{angles[0]:.1f} degrees from the gradient" in told[0]
    assert f"{angles[1]:.1f} degrees from the gradient" in told[1]


def test_a_wrong_sigma_prime_is_named_whatever_is_sent_back():
    net = bpx.Network([4, 5, 4, 3], hidden=too_large("tanh"), feedback="fa", seed=2)
    assert only_bp2(check(net)).layer == 2


def rule(send):
    return bpx.feedback.Feedback("rule", send=send)


def test_a_rule_that_is_not_linear_is_a_note():
    bent = rule(lambda w, delta, B: bpx.namespace(w[0]).tanh(delta[0] @ w[0]))
    report = check(bent)
    assert report.ok
    assert [(row.equation, row.layer) for row in report.warnings] == [
        ("linear", 1),
        ("linear", 2),
    ]


@pytest.mark.parametrize(
    ("send", "equation", "words"),
    [
        (lambda w, delta, B: delta[0] @ w[0].mT, "shape and dtype", ""),
        (lambda w, delta, B: delta[0] @ w[0] * np.float64(1.0), "shape and dtype", "float64"),
        (
            lambda w, delta, B: (delta[0] - delta[0].mean(axis=0)) @ w[0],
            "each sample alone",
            "",
        ),
    ],
)
def test_a_rule_that_misbehaves(send, equation, words):
    report = check(rule(send), backend="numpy")
    assert report.wrong[0].equation == equation
    assert words in report.wrong[0].where
