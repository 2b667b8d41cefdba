"""The parameters: names, order and defaults are scikit-learn's, with bpx's own after them."""

from inspect import signature

import numpy as np
import pytest

theirs = pytest.importorskip(
    "sklearn.neural_network", reason="the parameters are those of scikit-learn's classes"
)

import bpx  # noqa: E402
from bpx import sklearn as ours  # noqa: E402
from bpx.errors import InputError  # noqa: E402
from bpx.interop.sklearn.parameters import CONSTRAINTS  # noqa: E402

X, Y = np.arange(60.0).reshape(30, 2), np.arange(30) % 3
OWN = {"dropout", "optimizer", "backend", "resume", "callbacks"}


@pytest.mark.parametrize(
    ("name", "more"), [("MLPClassifier", {"class_weight"}), ("MLPRegressor", {"quantile"})]
)
def test_scikit_learns_parameters_come_first(name, more):
    expected = signature(getattr(theirs, name)).parameters
    found = signature(getattr(ours, name)).parameters
    assert list(found)[: len(expected)] == list(expected)
    for each, parameter in expected.items():
        assert found[each].default == parameter.default
        assert found[each].kind == parameter.kind
    assert set(list(found)[len(expected) :]) == OWN | more


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("solver", "newton"), ("alpha", -1.0), ("batch_size", 0), ("momentum", 1.5),
        ("learning_rate", "fast"), ("max_iter", 0), ("beta_1", 1.0), ("n_iter_no_change", 0),
        ("validation_fraction", 1.0), ("tol", -1), ("epsilon", 0.0), ("resume", 3),
        ("backend", 1), ("shuffle", "yes"), ("learning_rate_init", 0.0), ("power_t", -1.0),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_as_there(name, parameter, value):
    estimator = getattr(ours, name)(**{parameter: value})
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of {name} must be"):
        estimator.fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(estimator, "coefs_")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("activation", "rellu"), ("dropout", 1.0), ("dropout", [0.1, 0.2, 0.3]),
        ("optimizer", "adam"), ("callbacks", 3), ("backend", "numpi"),
    ],
)  # fmt: skip
def test_values_of_bpxs_own_parameters_are_checked(parameter, value):
    estimator = ours.MLPRegressor(**{parameter: value})
    with pytest.raises(
        (ValueError, RuntimeError), match=parameter if parameter != "backend" else "numpi"
    ):
        estimator.fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("adam", r"optimizer='adam' was given; .* named by solver='adam' or solver='sgd'"),
        (bpx.Adam, r"Adam'> was given, a class; call it, as Adam\(1e-3\); expected bpx\.SGD"),
    ],
)
def test_an_optimizer_that_is_none_says_what_to_write(given, said):
    with pytest.raises(InputError, match=said):
        ours.MLPRegressor(optimizer=given).fit(X, Y)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    ("settings", "fit", "said"),
    [
        ({}, {"X_val": X}, "one of X_val and y_val was given"),
        ({"resume": True, "early_stopping": True}, {}, "pass X_val and y_val to fit"),
        ({"solver": "lbfgs", "dropout": 0.1}, {}, r"given with dropout=0\.1, for epochs"),
        ({"solver": "lbfgs", "optimizer": bpx.Adam()}, {}, "given with an optimizer, for"),
        ({"solver": "lbfgs", "callbacks": [print]}, {}, "given with callbacks, for epochs"),
        ({"solver": "lbfgs"}, {"X_val": X, "y_val": Y}, "given with validation samples, f"),
        ({"early_stopping": True, "validation_fraction": 0.01}, {}, "validation"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(name, settings, fit, said):
    with pytest.raises((InputError, ValueError), match=said):
        getattr(ours, name)(**settings).fit(X, Y, **fit)


def test_balanced_classes_are_refused_where_only_a_part_is_seen():
    net = ours.MLPClassifier(class_weight="balanced")
    with pytest.raises(InputError, match="class_weight='balanced' was given, but partial_fit"):
        net.partial_fit(X, Y, classes=[0, 1, 2])
    assert not hasattr(net, "coefs_")
    net.set_params(class_weight={0: 1.0, 1: 2.0, 2: 1.0}).partial_fit(X, Y, classes=[0, 1, 2])


@pytest.mark.parametrize("given", ["foo", 3])
def test_weights_of_the_classes_are_a_dict_or_balanced(given):
    with pytest.raises(
        ValueError, match="The 'class_weight' parameter of MLPClassifier must be"
    ):
        ours.MLPClassifier(class_weight=given).fit(X, Y)


def test_the_ranges_are_scikit_learns():
    expected = theirs.MLPClassifier._parameter_constraints
    shared = expected.keys() - {"activation"}  # bpx has more activations
    assert {name: told(CONSTRAINTS[name]) for name in shared} == {
        name: told(expected[name]) for name in shared
    }


def told(constraints):
    """What they say, where options are a set, whose order depends on the process."""
    return [sorted(getattr(each, "options", ())) or str(each) for each in constraints]
