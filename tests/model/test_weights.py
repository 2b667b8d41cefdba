"""Sample weights and class weights: what each sample comes to, and what is refused."""

import numpy as np
import pytest

import bpx
from bpx.errors import at_the_prompt
from bpx.model.inputs import samples
from bpx.model.weights import weighed, weighted
from tests.backends import Target, assert_at_home, available, host

N, K = 6, 3
Y = [0, 2, 2, 2, 0, 2]  # class 1 has no sample
BALANCED = [1.5, 0.75, 0.75, 0.75, 1.5, 0.75]


def network(target=Target.NUMPY, k=K, **settings):
    return target.network([2, k], seed=0, **settings)


def found(net, y=Y, **given):
    """The weights s at home."""
    arrived = samples(net.home, net.spec, np.ones((len(y), 2)), y)
    return weighted(net.home, net.spec, arrived, **given).s


def test_without_weights_the_samples_are_as_they_were():
    net = network()
    arrived = samples(net.home, net.spec, np.ones((N, 2)), Y)
    assert weighted(net.home, net.spec, arrived) is arrived
    assert arrived.s is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sample_weights_come_home_from_any_library(target, dtype):
    net, given = network(target, dtype=dtype), [0.0, 1.0, 2.5, 0.1, 3.0, 1.0]
    sources = [given, np.array(given), *(each.asarray(given) for each in available())]
    for source in sources:
        s = found(net, sample_weight=source)
        assert_at_home(s, net)
        np.testing.assert_allclose(host(s), given, rtol=1e-6)


def test_sample_weights_may_be_a_mask():
    s = found(network(), sample_weight=np.array([1, 0, 1, 1, 0, 0], bool))
    assert s.tolist() == [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_what_is_written_into_the_callers_weights_is_not_seen():
    given = np.ones(N, "float32")
    s = found(network(), sample_weight=given)
    given[:] = 7.0
    assert s.tolist() == [1.0] * N


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ones(5), r"sample_weight has shape \(5,\) for 6 samples; expected \(6,\)"),
        (np.ones((6, 1)), r"sample_weight has shape \(6, 1\).*sample_weight\[:, 0\]"),
        (2.0, r"sample_weight has shape \(\) for 6 samples"),
        ([1, 1, -0.5, 1, -1, 1], r"sample_weight\[2\] is -0\.5.*\(2 of 6 are not\)"),
        ([1, 1, 1, np.nan, 1, 1], r"sample_weight\[3\] is nan; expected finite"),
        ([np.inf, 1, 1, 1, 1, 1], r"sample_weight\[0\] is inf"),
        (
            np.zeros(6),
            "sample_weight is 0 for every sample in float32; .* above 0",
        ),
        (np.full(6, 1e-60), "sample_weight is 0 for every sample in float32"),
        (np.full(6, 1e60), "sample_weight is too large in float32"),
        (["a"] * 6, "sample_weight holds 'a' in row 0; expected real numbers: convert them"),
        (np.ma.masked_equal(np.ones(6), 0), "sample_weight is a masked array"),
    ],
)
def test_sample_weights_that_cannot_be_used(given, said):
    with pytest.raises(bpx.InputError, match=said):
        found(network(), sample_weight=given)


def test_the_message_has_the_name_that_the_caller_knows():
    with pytest.raises(bpx.InputError, match="validation sample_weight has shape"):
        found(network(), sample_weight=[1.0], name="validation sample_weight")


TARGETS = {
    "labels": (Y, {}),
    "one-hot rows": (np.eye(K)[Y], {}),
    "0 and 1": (np.array(Y) > 0, {"k": 1}),
    "a column": ((np.array(Y) > 0)[:, None], {"k": 1}),
}


@pytest.mark.parametrize("case", TARGETS)
def test_balanced(target, case):
    y, settings = TARGETS[case]
    net = network(target, **settings)
    np.testing.assert_allclose(host(found(net, y, class_weight="balanced")), BALANCED)


def test_balanced_is_what_scikit_learn_computes():
    weights = pytest.importorskip("sklearn.utils.class_weight", reason="no scikit-learn")
    y = np.random.default_rng(0).choice(5, 200, p=[0.5, 0.3, 0.15, 0.05, 0.0])
    y[:4] = range(4)
    expected = weights.compute_sample_weight("balanced", y)
    each = weights.compute_class_weight("balanced", classes=np.unique(y), y=y)
    s = found(network(k=5, dtype="float64"), y, class_weight="balanced")
    np.testing.assert_allclose(s, expected, rtol=1e-15)
    np.testing.assert_allclose(s, each[y], rtol=1e-15)


@pytest.mark.parametrize("case", TARGETS)
def test_the_classes_of_a_mapping(target, case):
    y, settings = TARGETS[case]
    last = 1 if settings else 2
    s = found(network(target, **settings), y, class_weight={last: 5})
    np.testing.assert_array_equal(host(s), [1.0, 5.0, 5.0, 5.0, 1.0, 5.0])
    s = found(network(target, **settings), y, class_weight={np.int64(0): 0.0, last: 0.5})
    np.testing.assert_array_equal(host(s), [0.0, 0.5, 0.5, 0.5, 0.0, 0.5])


def test_both_multiply():
    given = {"sample_weight": [1, 2, 3, 4, 5, 6], "class_weight": {0: 10.0}}
    assert found(network(), **given).tolist() == [10.0, 2.0, 3.0, 4.0, 50.0, 6.0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({3: 1.0}, "class_weight has 3, which is not a class; the classes are 0, 1, 2"),
        ({-1: 1.0}, "class_weight has -1, which is not a class"),
        ({"cat": 1.0}, "class_weight has 'cat', which is not a class"),
        ({0: -1.0}, r"class_weight\[0\]=-1\.0 was given; expected a number of at least 0"),
        ({1: np.nan}, r"class_weight\[1\]=nan was given"),
        ({1: "2"}, r"class_weight\[1\]='2' was given"),
        ({0: 0.0, 1: 1.0, 2: 0.0}, "class_weight is 0 for every sample"),
        ("balance", r"class_weight='balance' was given \(did you mean 'balanced'\?\)"),
        ([1.0, 2.0, 3.0], r"class_weight=\[1.0, 2.0, 3.0\] was given; .*or a mapping"),
    ],
)
def test_class_weights_that_cannot_be_used(given, said):
    with pytest.raises(bpx.InputError, match=said):
        found(network(), class_weight=given)


def test_many_classes_are_not_listed_one_by_one():
    with pytest.raises(bpx.InputError, match=r"the classes are 0, 1, \.\.\., 99"):
        found(network(k=100), class_weight={100: 1.0})


def test_weights_that_leave_nothing_together():
    given = {"sample_weight": [1, 0, 0, 0, 1, 0], "class_weight": {0: 0.0}}
    with pytest.raises(bpx.InputError, match="sample_weight times class_weight is 0 for every"):
        found(network(), **given)


def test_weights_that_are_too_large_are_no_weights_of_0():
    """However many of the others are 0."""
    with pytest.raises(bpx.InputError, match="sample_weight is too large in float32"):
        found(network(dtype="float32"), sample_weight=[1e300, 0, 0, 0, 1, 0])


NUMBERS = {
    "soft rows": (np.full((N, K), 1 / 3), {}),
    "several sigmoids": (np.ones((N, K)), {}),
    "one number": (np.linspace(0, 1, N), {"k": 1}),
    "0 and 1 as numbers": (np.arange(N) % 2, {"k": 1, "output": "identity"}),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_no_classes(case):
    y, settings = NUMBERS[case]
    said = "class_weight='balanced' was given for targets that are numbers.*with sample_weight"
    with pytest.raises(bpx.InputError, match=said):
        found(network(**settings), y, class_weight="balanced")


def test_the_command_line_is_spoken_to_in_its_own_words():
    y, settings = NUMBERS["one number"]
    with at_the_prompt({}), pytest.raises(bpx.InputError) as caught:
        found(network(**settings), y, class_weight="balanced")
    assert str(caught.value).startswith("--class-weight balanced was given for targets")
    assert "sample_weight" not in str(caught.value)


def test_one_number_for_each_sample_is_weighed():
    s, each = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert weighed(s, each).tolist() == [3.0, 10.0]
    assert weighed(None, each) is each
    assert weighed(s, None) is None


def test_some_of_the_samples_may_all_weigh_nothing():
    net = bpx.Network([2, 2], seed=0)
    arrived = samples(net.home, net.spec, np.zeros((3, 2)), [0, 1, 0])
    found = weighted(net.home, net.spec, arrived, np.zeros(3), some=True)
    assert found.s.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(bpx.InputError, match="too large in float32"):
        weighted(net.home, net.spec, arrived, np.full(3, 1e300), some=True)
