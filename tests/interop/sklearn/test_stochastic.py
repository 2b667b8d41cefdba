"""The solvers "sgd" and "adam" go scikit-learn's way, number by number, to its end."""

import warnings

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network", reason="the peer is scikit-learn's MLP")

import bpx  # noqa: E402
from bpx import sklearn as ours  # noqa: E402

sparse = pytest.importorskip("scipy.sparse", reason="sparse matrices are SciPy's")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((70, 5))  # mini-batches of 16, and a last one of 6
LABELS, NUMBERS = RANDOM.randint(0, 3, 70), RANDOM.standard_normal((70, 2))
S = RANDOM.uniform(0.0, 2.0, 70)
TARGETS = {
    "multiclass": ("MLPClassifier", LABELS, {}),
    "binary": ("MLPClassifier", LABELS > 0, {}),
    "multilabel": ("MLPClassifier", (NUMBERS > 0).astype(int), {}),
    "numbers": ("MLPRegressor", NUMBERS, {}),
    "number": ("MLPRegressor", NUMBERS[:, 0], {}),
    "counts": ("MLPRegressor", LABELS.astype(float), {"loss": "poisson"}),
}
each_target = pytest.mark.parametrize("kind", TARGETS)


def both(kind, *, fit=None, x=X, **settings):
    """Fit both on the same samples, and return ours and theirs."""
    name, y, more = TARGETS[kind]
    given = {"hidden_layer_sizes": (7, 4), "batch_size": 16, "max_iter": 12, "random_state": 5}
    pair = [getattr(of, name)(**given | more | settings) for of in (ours, theirs)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in pair:
            each.fit(x, y, **fit or {})
    return pair


def same(found, expected, rtol=1e-9):
    for a, b in zip(
        found.coefs_ + found.intercepts_, expected.coefs_ + expected.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(found, name) == getattr(expected, name)
    for name in ("loss_curve_", "validation_scores_"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=1e-9)
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a == (b if b is None else pytest.approx(b, rel=1e-9))


@each_target
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_trajectory_is_scikit_learns(kind, solver, weighted, shuffle):
    fit = {"sample_weight": S} if weighted else {}
    same(*both(kind, solver=solver, shuffle=shuffle, alpha=0.5, fit=fit, activation="tanh"))


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 1, "max_iter": 60},
        {"momentum": 0.0},
        {"nesterovs_momentum": False},
        {"activation": "logistic", "learning_rate_init": 0.3},
        {"activation": "identity"},
        {"tol": 0.1, "n_iter_no_change": 2, "max_iter": 60},
        {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 3},
        {"early_stopping": True, "learning_rate": "adaptive", "n_iter_no_change": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["multiclass", "binary", "numbers"])
def test_the_rules_of_sgd_are_scikit_learns(kind, settings):
    same(*both(kind, **{"solver": "sgd", "learning_rate_init": 0.05} | settings))


@pytest.mark.parametrize(
    "settings", [{"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}, {"beta_1": 0.0}], ids=str
)
def test_the_rule_of_adam_is_scikit_learns(settings):
    same(*both("multiclass", solver="adam", **settings))


@each_target
def test_sparse_samples_are_dense_ones_in_another_form(kind):
    x = np.where(X > 0.0, X, 0.0)
    for form in (sparse.csr_array(x), sparse.csc_matrix(x)):
        found, expected = both(kind, x=form)
        same(found, expected)
        np.testing.assert_allclose(found.predict(form), expected.predict(x), rtol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_continue_the_optimizer(solver):
    made = {"solver": solver, "hidden_layer_sizes": 6, "random_state": 1, "batch_size": 16}
    found, expected = ours.MLPClassifier(**made), theirs.MLPClassifier(**made)
    for part in (slice(0, 30), slice(30, 70), slice(5, 9)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # batch_size, for the last part
            for each in (found, expected):
                each.partial_fit(X[part], LABELS[part], classes=[0, 1, 2])
        assert found._optimizer.learning_rate == pytest.approx(
            0.001 if solver == "adam" else expected._optimizer.learning_rate
        )
    same(found, expected)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weights_that_are_set_are_begun_from(solver):
    made = {"solver": solver, "hidden_layer_sizes": 6, "shuffle": False, "batch_size": 16}
    pair = [of.MLPRegressor(**made, random_state=1) for of in (ours, theirs)]
    coefs = [RANDOM.standard_normal((5, 6)), RANDOM.standard_normal((6, 2))]
    for each in pair:
        each.partial_fit(X, NUMBERS)
        each.coefs_[:] = [w.copy() for w in coefs]
        each.intercepts_[:] = [np.ones(6), np.ones(2)]
        each.set_params(warm_start=True, max_iter=4)
        with pytest.warns(UserWarning, match="Maximum iterations \\(4\\) reached"):
            each.fit(X, NUMBERS)
    same(*pair)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_warm_start_begins_a_new_optimizer():
    pair = both("multiclass", solver="adam", warm_start=True)
    for each in pair:
        each.fit(X, LABELS)
    same(*pair)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")
def test_a_warm_start_may_change_the_solver_and_the_rule_of_stopping():
    net = ours.MLPClassifier(solver="lbfgs", warm_start=True, max_iter=4).fit(X, LABELS)
    net.set_params(solver="sgd", early_stopping=True).fit(X, LABELS)
    assert len(net.validation_scores_) == len(net.loss_curve_) == 4
    net.set_params(early_stopping=False).fit(X, LABELS)
    assert net.best_loss_ == min(net.loss_curve_[4:])


def test_a_run_of_many_epochs_says_so_or_says_that_it_converged():
    net = ours.MLPRegressor(max_iter=2)
    with pytest.warns(UserWarning, match="Maximum iterations \\(2\\) reached and the"):
        net.fit(X, NUMBERS)
    net.set_params(max_iter=500, tol=10.0, n_iter_no_change=3).fit(X, NUMBERS)
    assert net.n_iter_ == 5  # the first improves on infinity, and four do not on the first


@pytest.mark.parametrize("rate", ["constant", "adaptive"])
def test_verbose_says_what_scikit_learn_says(rate, capsys):
    settings = {
        "solver": "sgd",
        "verbose": True,
        "early_stopping": True,
        "tol": 0.5,
        "n_iter_no_change": 1,
        "learning_rate": rate,
        "max_iter": 30,
    }
    said = []
    for of in (ours, theirs):
        net = of.MLPClassifier(random_state=0, **settings)
        net.fit(X, LABELS)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "Stopping." in said[0]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_ctrl_c_keeps_the_weights_so_far(monkeypatch):
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    net = ours.MLPRegressor(random_state=0, max_iter=9, callbacks=[interrupt])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net.fit(X, NUMBERS)
    other = ours.MLPRegressor(random_state=0, max_iter=3).fit(X, NUMBERS)
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_callback_that_raises_leaves_the_weights_so_far():
    def fail(epoch):
        if epoch.number == 3:
            raise RuntimeError("the disk is full")

    net = ours.MLPRegressor(random_state=0, max_iter=9, resume=True, callbacks=[fail])
    with pytest.raises(RuntimeError, match="the disk is full"):
        net.fit(X, NUMBERS)
    other = ours.MLPRegressor(random_state=0, max_iter=3, resume=True).fit(X, NUMBERS)
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])
    for each in (net.set_params(callbacks=None, max_iter=3), other):
        each.fit(X, NUMBERS)
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_callbacks_get_the_record_of_each_epoch_and_may_end_training():
    seen = []
    net = ours.MLPClassifier(max_iter=9, early_stopping=True, callbacks=[
        lambda epoch: seen.append((epoch.cost, epoch.observed["validation_score"])),
        lambda epoch: epoch.number == 4,
    ])  # fmt: skip
    net.fit(X, LABELS)
    assert net.n_iter_ == 4
    assert seen == list(zip(net.loss_curve_, net.validation_scores_, strict=True))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_resuming_is_as_if_it_had_never_stopped(solver, dropout):
    made = {
        "solver": solver,
        "learning_rate": "invscaling",
        "dropout": dropout,
        "random_state": 4,
        "batch_size": 16,
    }
    whole = ours.MLPClassifier(**made, max_iter=6).fit(X, LABELS)
    parts = ours.MLPClassifier(**made, max_iter=2, resume=True)
    for _ in range(3):
        parts.fit(X, LABELS)
    assert parts.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(parts.coefs_[0], whole.coefs_[0])
    again = ours.MLPClassifier(**made, max_iter=2, warm_start=True)
    for _ in range(3):
        again.fit(X, LABELS)
    assert not np.array_equal(again.coefs_[0], whole.coefs_[0])


def test_an_optimizer_of_bpx_trains_with_its_schedule():
    schedule = bpx.optim.cosine_decay_schedule(0.1)
    net = ours.MLPRegressor(max_iter=4, optimizer=bpx.AdamW(schedule), random_state=0)
    etas = []
    net.set_params(callbacks=[lambda epoch: etas.append(epoch.eta)])
    with pytest.warns(UserWarning, match="Maximum iterations"):
        net.fit(X, NUMBERS)
    assert etas == sorted(etas, reverse=True)
    assert etas[-1] < 0.02 < 0.05 < etas[0]
