"""A column becomes numbers as it was fitted."""

import numpy as np
import pytest

from bpx.data.tables.feature import Feature, fit_feature, spread
from bpx.data.tables.values import of_array


def test_numbers_are_scaled_and_missing_ones_are_the_median():
    column = of_array("n", [1.0, 2.0, 6.0, None])
    feature = fit_feature(column, "standard")
    x, _ = feature.encode(column, "t")
    filled = np.array([1.0, 2.0, 6.0, 2.0])
    np.testing.assert_allclose(x[:, 0], (filled - filled.mean()) / filled.std())
    assert x[:, 1].tolist() == [0, 0, 0, 1]


def test_it_is_restored_from_its_description():
    feature = fit_feature(of_array("t", ["a", "b", None]), "standard")
    assert Feature.restored(feature.described()) == feature
    with pytest.raises(ValueError, match="no feature"):
        Feature.restored({**feature.described(), "scale": 0.0})


def stated(name):
    return pytest.importorskip(f"sklearn.{name}", reason="scikit-learn is compared with")


@pytest.mark.parametrize(
    ("scaling", "reference"), [("standard", "StandardScaler"), ("robust", "RobustScaler")]
)
def test_numbers_are_scaled_as_scikit_learn_does(scaling, reference):
    scaler = getattr(stated("preprocessing"), reference)()
    values = np.random.default_rng(0).normal(3.0, 9.0, 101)
    feature = fit_feature(of_array("n", values), scaling)
    x, _ = feature.encode(of_array("n", values), "t")
    np.testing.assert_allclose(x, scaler.fit_transform(values[:, None]), atol=1e-12)


def test_missing_numbers_are_filled_as_scikit_learn_does():
    imputer = stated("impute").SimpleImputer(strategy="median", add_indicator=True)
    values = np.array([1.0, np.nan, 5.0, 2.0, np.nan])
    feature = fit_feature(of_array("n", values), "none")
    x, _ = feature.encode(of_array("n", values), "t")
    np.testing.assert_array_equal(x, imputer.fit_transform(values[:, None]))


def test_texts_are_one_hot_as_scikit_learn_does():
    one_hot = stated("preprocessing").OneHotEncoder
    encoder = one_hot(sparse_output=False, handle_unknown="ignore")
    texts, other = np.array(["b", "a", "c", "a"]), np.array(["c", "new", "a"])
    encoder.fit(texts[:, None])
    feature = fit_feature(of_array("t", texts), "standard")
    x, unseen = feature.encode(of_array("t", other), "t")
    np.testing.assert_array_equal(x, encoder.transform(other[:, None]))
    assert unseen.tolist() == [False, True, False]


def test_many_texts_are_their_share_of_the_training_samples():
    feature = fit_feature(of_array("t", [f"t{i % 45}" for i in range(100)]), "none")
    x, unseen = feature.encode(of_array("t", ["t0", "t44", "new", None]), "t")
    np.testing.assert_allclose(x[:, 0], [3 / 100, 2 / 100, 0, 0])
    assert unseen.tolist() == [False, False, True, False]


@pytest.mark.parametrize(("levels", "encoding"), [(40, "one-hot"), (41, "frequency")])
def test_few_texts_are_up_to_forty(levels, encoding):
    feature = fit_feature(of_array("t", [f"t{i % levels}" for i in range(100)]), "none")
    assert feature.encoding == encoding


def test_a_part_of_a_table_is_encoded_as_the_whole():
    # Where only numbers are left of a column of texts, they are read as numbers.
    feature = fit_feature(of_array("t", ["01", "02", "1A", "true"]), "standard")
    numbers, _ = feature.encode(of_array("t", [1.0, 2.0]), "t")
    assert numbers.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert feature.encode(of_array("t", [True]), "t")[0].tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1.0, 1e200, 1e307])
def test_numbers_of_every_size_spread(size):
    center, scale = spread(np.array([1.0, 2.0, 4.0]) * size, "standard")
    np.testing.assert_allclose([center / size, scale / size], [7 / 3, np.std([1, 2, 4])])


def test_equal_numbers_have_the_scale_one():
    for value in (0.0, 0.1, 1e-20, 1e9 + 0.1):
        assert spread(np.full(7, value), "standard")[1] == 1.0
    assert spread(np.array([]), "robust") == (0.0, 1.0)


ONE_HOT = Feature("t", "category", "one-hot", levels=("a", "b"))


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"encoding": "magic"},
        {"levels": "ab"},
        {"levels": ["a", "a"]},
        {"levels": []},
        {"levels": [1, 2]},
        {"shares": [0.5, 0.5]},
        {"encoding": "frequency"},
        {"scale": 0.0},
        {"scale": float("nan")},
        {"scale": "1"},
        {"center": float("inf")},
        {"indicator": 1},
        {"more": 1},
    ],
)
def test_what_no_feature_is(change):
    described = ONE_HOT.described()
    assert Feature.restored(described) == ONE_HOT
    with pytest.raises((KeyError, TypeError, ValueError)):
        Feature.restored({**described, **change})


# Codes


def coded(texts):
    return fit_feature(of_array("t", texts), "standard", "codes")


def test_texts_may_be_codes_however_many_there_are():
    texts = [f"t{i:02d}" for i in range(40)] * 2
    feature = coded(texts)
    assert (feature.width, feature.inputs, feature.codes) == (1, ("t",), 41)
    x, unseen = feature.encode(of_array("t", texts), "t")
    assert x[:, 0].tolist() == [*range(40)] * 2
    assert not unseen.any()


@pytest.mark.parametrize("was_missing", [True, False])
def test_what_is_missing_and_what_is_unseen_has_a_code_of_its_own(was_missing):
    feature = coded(["b", "a", "b", *[None] * was_missing])
    x, unseen = feature.encode(of_array("t", ["a", None, "new", "b"]), "t")
    assert feature.codes == 3 + was_missing
    last = feature.codes - 1
    assert x[:, 0].tolist() == [0, 2, last, 1]  # without one in training, missing is unseen
    assert unseen.tolist() == [False, False, True, False]
    assert (feature.width, feature.inputs) == (1, ("t",))
    assert Feature.restored(feature.described()) == feature


def test_numbers_have_no_codes():
    feature = fit_feature(of_array("n", [1.0, 2.0, None]), "standard", "codes")
    assert (feature.encoding, feature.codes, feature.width) == ("scaled", 0, 2)
