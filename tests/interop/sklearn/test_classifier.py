"""Classes of any kind, their weights, and the answers."""

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network", reason="the peer is scikit-learn's MLP")

from bpx.sklearn import MLPClassifier  # noqa: E402

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((40, 4))
NAMES = np.array(["ash", "elm", "oak"])[(X[:, :3]).argmax(axis=1)]
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.mark.parametrize(
    "y", [NAMES, NAMES == "oak", (X > 0).astype(int), np.where(NAMES == "oak", 3, 8)],
    ids=["names", "booleans", "labels", "numbers"],
)  # fmt: skip
def test_answers_are_scikit_learns(y):
    pair = [of(max_iter=30, random_state=1) for of in (MLPClassifier, theirs.MLPClassifier)]
    found, expected = (each.fit(X, y) for each in pair)
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))
    assert found.predict(X).dtype == expected.predict(X).dtype
    for method in ("predict_proba", "predict_log_proba"):
        np.testing.assert_allclose(
            getattr(found, method)(X), getattr(expected, method)(X), rtol=1e-9
        )
    assert found.score(X, y) == expected.score(X, y)


@pytest.mark.parametrize(
    "classes",
    [[4], ["a"], [False, True], ["b", "a"], [-1.0, 2.0, 5.0], ["c", "a", "b"]],
    ids=str,
)
def test_labels_are_encoded_as_the_binarizer_encodes_them(classes):
    y = np.array(classes)[np.arange(40) % len(classes)]
    net = MLPClassifier(4, max_iter=1).fit(X, y)
    found, outputs = net._encoded(y)
    marks = net._label_binarizer.transform(y)
    assert outputs == marks.shape[1]
    np.testing.assert_array_equal(found, marks if len(classes) < 3 else marks.argmax(axis=1))


def test_class_weights_multiply_the_sample_weights():
    weights, s = {"ash": 3.0, "elm": 0.5, "oak": 1.0}, RANDOM.uniform(0.5, 2.0, 40)
    by_class = np.array([weights[name] for name in NAMES])
    settings = {"max_iter": 10, "random_state": 0}
    found = MLPClassifier(class_weight=weights, **settings).fit(X, NAMES, sample_weight=s)
    expected = MLPClassifier(**settings).fit(X, NAMES, sample_weight=s * by_class)
    np.testing.assert_array_equal(found.coefs_[0], expected.coefs_[0])


def test_balanced_classes_count_equally():
    y = np.r_[np.zeros(36), np.ones(4)]
    x = np.r_[np.zeros((36, 1)), np.zeros((4, 1))]  # nothing to tell them apart by
    settings = {"max_iter": 400, "random_state": 0, "learning_rate_init": 0.01, "tol": 0}
    plain, balanced = (
        MLPClassifier(4, class_weight=w, **settings).fit(x, y) for w in (None, "balanced")
    )
    assert plain.predict_proba(x)[0, 1] == pytest.approx(0.1, abs=0.02)
    assert balanced.predict_proba(x)[0, 1] == pytest.approx(0.5, abs=0.02)


def test_the_classes_of_a_partial_fit_stay():
    net = MLPClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        net.partial_fit(X, NAMES)
    net.partial_fit(X[:5], NAMES[:5], classes=["ash", "elm", "oak", "yew"])
    assert net.predict_proba(X).shape == (40, 4)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        net.partial_fit(X[:1], ["fir"])


def test_validation_samples_are_scored_after_each_epoch():
    net = MLPClassifier(max_iter=7, random_state=0, early_stopping=True, n_iter_no_change=50)
    net.fit(X[:30], NAMES[:30], X_val=X[30:], y_val=NAMES[30:])
    assert len(net.validation_scores_) == 7
    assert net.best_validation_score_ == net.score(X[30:], NAMES[30:])
    whole = MLPClassifier(max_iter=7, random_state=0).fit(X[:30], NAMES[:30])
    np.testing.assert_array_equal(net.loss_curve_, whole.loss_curve_)


def test_validation_samples_without_early_stopping_are_scored_alone():
    net = MLPClassifier(max_iter=7, random_state=0)
    net.fit(X, NAMES, X_val=X[30:], y_val=NAMES[30:], sample_weight_val=np.ones(10))
    assert len(net.validation_scores_) == 7
    assert net.validation_scores_[-1] == net.score(X[30:], NAMES[30:])
    assert net.best_validation_score_ == max(net.validation_scores_)


def test_validation_samples_of_other_classes_are_refused():
    with pytest.raises(ValueError, match="classes not in"):
        MLPClassifier().fit(X, NAMES, X_val=X[:2], y_val=["fir", "ash"])
