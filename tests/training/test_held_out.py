"""Samples held out of the training samples: which ones, and what follows them."""

import numpy as np
import pytest

import bpx
from bpx.training.held_out import check_validation_split, held_rows
from tests.backends import Target, flags, host
from tests.training.small import SETTINGS, network, samples


@pytest.mark.parametrize("n", [2, 3, 10, 101, 1000])
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.25, 0.5, 0.999])
def test_the_rows_are_parted_in_order_and_neither_part_is_empty(n, fraction):
    own, held = held_rows(n, fraction, 3)
    assert len(held) == min(max(1, round(fraction * n)), n - 1)
    assert sorted([*own, *held]) == list(range(n))
    assert list(own) == sorted(own)
    assert list(held) == sorted(held)


def test_the_seed_draws_them():
    first, again, other = (held_rows(100, 0.2, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    counts = np.zeros(10)
    for seed in range(300):
        counts[held_rows(10, 0.3, seed)[1]] += 1
    assert counts.sum() == 900
    assert (abs(counts - 90) < 40).all()  # five standard deviations


@pytest.mark.parametrize("seed", range(5))
def test_each_class_is_held_out_in_its_share(seed):
    classes = np.repeat([4, 0, 7, 2], [600, 240, 90, 7])
    classes = np.random.default_rng(seed).permutation(classes)
    _, held = held_rows(len(classes), 0.2, seed, classes)
    for each in np.unique(classes):
        share = 0.2 * (classes == each).sum()
        assert abs((classes[held] == each).sum() - share) <= 1.0
    of_one = np.flatnonzero(classes == 4)
    drawn = set(held) & set(of_one)
    assert drawn != set(held_rows(len(classes), 0.2, seed + 100, classes)[1]) & set(of_one)


def test_training_is_that_of_the_samples_that_remain(target):
    x, y = samples()
    own, held = held_rows(40, 0.25, 1, y)
    net, other = network(target), network(target)
    settings = {**SETTINGS, "lmbda": 2.0, "compile": target.value.compile}
    given = target.asarray(x), target.asarray(y, "int32")
    with flags(target):
        found = net.fit(*given, validation_split=0.25, **settings)
        by_hand = other.fit(x[own], y[own], validation=(x[held], y[held]), **settings)
    np.testing.assert_array_equal(host(net.weights[0]), host(other.weights[0]))
    assert [each.validation for each in found] == [each.validation for each in by_hand]
    assert len(held) == 10


def test_sample_weights_follow_their_samples_and_those_of_classes_are_of_the_rest():
    x, y = samples()
    s = np.random.default_rng(0).random(40)
    own, held = held_rows(40, 0.25, 1, y)
    net, other = network(dtype="float64"), network(dtype="float64")
    weights = {"class_weight": "balanced"}
    found = net.fit(x, y, validation_split=0.25, sample_weight=s, **weights, **SETTINGS)
    kept = x[held], y[held], s[held]
    by_hand = other.fit(
        x[own], y[own], validation=kept, sample_weight=s[own], **weights, **SETTINGS
    )
    np.testing.assert_array_equal(net.weights[0], other.weights[0])
    assert found[-1].validation == by_hand[-1].validation


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_numbers_are_held_out_at_random_and_bytes_stay_bytes(dtype):
    x = (10 * samples()[0]).astype(dtype)
    y = np.random.default_rng(1).random((40, 3))
    own, held = held_rows(40, 0.1, 1)
    net, other = network(), network()
    found = net.fit(x, y, validation_split=0.1, **SETTINGS)
    by_hand = other.fit(x[own], y[own], validation=(x[held], y[held]), **SETTINGS)
    np.testing.assert_array_equal(net.weights[0], other.weights[0])
    assert found[-1].validation == by_hand[-1].validation
    assert found[-1].validation.accuracy is None


def test_one_hot_rows_and_answers_of_one_output_are_classes():
    x, y = samples()
    one_hot, labels = network(), network()
    a = one_hot.fit(x, np.eye(3)[y], validation_split=0.25, **SETTINGS)
    b = labels.fit(x, y, validation_split=0.25, **SETTINGS)
    assert a[-1].validation.accuracy == b[-1].validation.accuracy
    single = Target.NUMPY.network([5, 1], cost="cross_entropy", seed=0)
    rare = np.zeros(40)
    rare[:8] = 1.0
    _, held = held_rows(40, 0.25, 1, rare)
    assert rare[held].sum() == 2.0
    found = single.fit(x, rare[:, None], validation_split=0.25, **SETTINGS)
    assert found[-1].validation == single.evaluate(x[held], rare[held])


def test_a_table_is_held_out_by_rows():
    table = {"a": samples()[0][:12, 0], "b": samples()[0][:12, 1], "kind": ["x", "y", "z"] * 4}
    schema = bpx.data.Schema.fit(table, target="kind")
    net, own = (bpx.Network([2, 3, 3], schema=each, seed=0) for each in (schema, None))
    settings = {**SETTINGS, "batch_size": 3, "validation_split": 0.25}
    found = net.fit(table, **settings)
    by_hand = own.fit(*schema.samples(table), **settings)
    np.testing.assert_array_equal(net.weights[0], own.weights[0])
    assert found[-1].validation == by_hand[-1].validation


def test_without_a_split_nothing_is_held_out():
    assert check_validation_split(0, 1, None, True) is None
    assert check_validation_split(0.0, 1, "anything", False) is None


@pytest.mark.parametrize(
    ("fraction", "more", "message"),
    [
        (1.0, {}, r"validation_split=1.0 was given; expected a number in \[0, 1\)"),
        (-0.1, {}, r"expected a number in \[0, 1\)"),
        ("half", {}, r"expected a number in \[0, 1\)"),
        (
            0.1,
            {"validation": samples()},
            "validation_split=0.1 and validation were given; expected one of them",
        ),
        (
            0.1,
            {"privacy": bpx.privacy.DPSGD(clip=1.0, noise_multiplier=1.0), "seed": None},
            "validation_split=0.1 was given with privacy",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_held_out_is_refused(fraction, more, message):
    net = network()
    with pytest.raises(bpx.InputError, match=message):
        net.fit(*samples(), validation_split=fraction, **{**SETTINGS, **more})


def test_a_single_sample_and_streams_are_refused():
    x, y = samples(1)
    with pytest.raises(bpx.InputError, match="was given for 1 sample; expected at least 2"):
        network().fit(x, y, validation_split=0.5, **{**SETTINGS, "batch_size": 1})
    with pytest.raises(bpx.InputError, match=r"with batches; give validation=\(x, y\)"):
        bpx.train(
            network(), batches=[(x, y)], epochs=1, optimizer=bpx.SGD(1.0), validation_split=0.5
        )
    with pytest.raises(bpx.InputError, match=r"bpx.data.Stream; give validation=\(x, y\)"):
        bpx.train(network(), bpx.data.stream(x, y), validation_split=0.5, **SETTINGS)


def test_weights_of_0_that_leave_nothing_are_refused():
    x, y = samples()
    own, held = held_rows(40, 0.25, 1, y)
    for rows, name in ((own, "sample_weight is"), (held, "of the validation samples is")):
        s = np.ones(40)
        s[rows] = 0.0
        with pytest.raises(bpx.InputError, match=f"{name} 0 for every sample"):
            network().fit(x, y, sample_weight=s, validation_split=0.25, **SETTINGS)
