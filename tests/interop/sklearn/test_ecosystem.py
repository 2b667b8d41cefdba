"""The estimators in scikit-learn's own tools: pipelines, searches, copies, files."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the tools are scikit-learn's")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import bpx
from bpx.sklearn import MLPClassifier, MLPRegressor, MLPTransformer

X = np.random.RandomState(0).standard_normal((90, 4))
Y = np.array(["no", "yes"])[(X[:, 0] * X[:, 1] > 0).astype(int)]
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")
BOTH = pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])


def targets(make):
    return Y if make is MLPClassifier else X[:, 0]


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_pickles_answer_and_continue_alike(make, solver):
    net = make(max_iter=5, solver=solver, random_state=0).fit(X, targets(make))
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    if solver != "lbfgs":
        for each in (net, copy):
            each.partial_fit(X, targets(make))
        np.testing.assert_array_equal(copy.coefs_[0], net.coefs_[0])


@BOTH
def test_skops_stores_them_without_pickle(make):
    skops = pytest.importorskip("skops.io", reason="the files are skops's")
    net = make(max_iter=5, random_state=0).fit(X, targets(make))
    content = skops.dumps(net)
    unknown = skops.get_untrusted_types(data=content)
    assert all(name.startswith("bpx.") for name in unknown), unknown
    copy = skops.loads(content, trusted=unknown)
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    for each in (net, copy):
        each.partial_fit(X, targets(make))
    np.testing.assert_array_equal(copy.coefs_[0], net.coefs_[0])


@BOTH
def test_clones_are_unfitted_with_the_same_parameters(make):
    net = make(max_iter=5, optimizer=bpx.Adam(0.1), dropout=[0.1]).fit(X, targets(make))
    copy = clone(net)
    assert copy.get_params() == net.get_params()
    assert not hasattr(copy, "coefs_")


def test_a_pipeline_of_columns_with_names():
    pandas = pytest.importorskip("pandas", reason="the tables are those of pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    table["town"] = np.where(X[:, 2] > 0, "Oslo", "Lima")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("names", OneHotEncoder(), ["town"])],
    ).set_output(transform="default")
    net = MLPClassifier(20, solver="lbfgs", random_state=0)
    line = make_pipeline(columns, net).fit(table, Y)
    assert line.score(table, Y) > 0.95
    net.fit(table[list("abcd")], Y)
    assert list(net.feature_names_in_) == list("abcd")
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        net.predict(X)


def test_hidden_activations_feed_another_estimator():
    net = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0, max_iter=300)
    line = make_pipeline(MLPTransformer(net), LogisticRegression(C=100.0))
    y = np.where(Y == "yes", 1.0, 0.0)
    assert line.fit(X, y).score(X, y) > 0.95
    assert LogisticRegression().fit(X, y).score(X, y) < 0.8


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_grid_search_finds_what_a_loop_finds(jobs):
    grid = {"alpha": [1e-4, 10.0], "hidden_layer_sizes": [(3,), (12, 5)]}
    net = MLPClassifier(max_iter=60, learning_rate_init=0.03, random_state=0)
    search = GridSearchCV(net, grid, cv=3, n_jobs=jobs).fit(X, Y)
    each = [clone(net).set_params(**given) for given in search.cv_results_["params"]]
    expected = [cross_val_score(one, X, Y, cv=3).mean() for one in each]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected)
    assert search.best_estimator_.predict_proba(X).shape == (90, 2)


def test_probabilities_can_be_calibrated():
    net = MLPClassifier(max_iter=20, random_state=0)
    assert CalibratedClassifierCV(net, cv=3).fit(X, Y).predict_proba(X).shape == (90, 2)


def test_histories_are_written_by_bpxs_own_logs(tmp_path):
    log = bpx.CSVLog(tmp_path / "history.csv")
    net = MLPClassifier(max_iter=3, early_stopping=True, callbacks=[log], random_state=0)
    net.fit(X, Y)
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert len(rows) == 4
    assert "validation_score" in rows[0]


def test_what_is_shown_names_the_parameters_that_were_changed():
    out = io.StringIO()
    print(MLPClassifier(alpha=0.5, dropout=0.1), file=out)
    assert out.getvalue() == "MLPClassifier(alpha=0.5, dropout=0.1)\n"


DISPATCHED = """
import warnings
import numpy as np
from sklearn import config_context
import {library}
from bpx.sklearn import MLPClassifier, MLPRegressor, MLPTransformer

warnings.simplefilter("ignore")
random = np.random.RandomState(0)
x, y = random.standard_normal((40, 3)), random.randint(0, 3, 40)
there, labels = {library}.asarray(x), {library}.asarray(y)
settings = dict(max_iter=5, random_state=0)
for make, target in ((MLPClassifier, labels), (MLPRegressor, there[:, 0])):
    for solver in ("adam", "lbfgs"):
        with config_context(array_api_dispatch=True):
            net = make(solver=solver, **settings).fit(there, target)
            answer = net.predict(there)
            assert type(answer) is type(there) is type(net.coefs_[0]), type(answer)
            if make is MLPClassifier:
                assert type(net.predict_proba(there)) is type(there)
        host = make(solver=solver, **settings).fit(x, np.asarray(target))
        assert np.allclose(np.asarray(net.coefs_[0]), host.coefs_[0], rtol=1e-6)
        assert np.allclose(np.asarray(answer), host.predict(x), rtol=1e-6)
with config_context(array_api_dispatch=True):
    made = MLPTransformer(MLPRegressor(**settings)).fit(there, there[:, 0])
    assert type(made.transform(there)) is type(there)
print("done")
"""


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_with_dispatch_arrays_come_back_as_they_went_in(library):
    """In a process of its own, since SCIPY_ARRAY_API counts when SciPy is imported."""
    pytest.importorskip(library, reason="the arrays are this library's")
    root = Path(bpx.__file__).parents[1]
    paths = os.pathsep.join([str(root), str(root / "backends")])
    ran = subprocess.run(
        [sys.executable, "-c", DISPATCHED.format(library=library)],
        env={**os.environ, "PYTHONPATH": paths, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == "done", ran.stderr
