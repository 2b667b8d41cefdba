"""scikit-learn's checks of an estimator's behaviour, all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sklearn = pytest.importorskip("sklearn", reason="the checks are scikit-learn's")
estimator_checks = pytest.importorskip("sklearn.utils.estimator_checks")

import bpx  # noqa: E402
from bpx.sklearn import MLPClassifier, MLPRegressor, MLPTransformer  # noqa: E402

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    MLPTransformer(MLPClassifier(max_iter=5, random_state=0)),
    MLPTransformer(MLPRegressor(max_iter=5, random_state=0)),
]


@estimator_checks.parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_passes_the_check(estimator, check):
    check(estimator)


DISPATCHED = """
import warnings
from sklearn.utils.estimator_checks import estimator_checks_generator
from bpx.sklearn import MLPClassifier, MLPRegressor, MLPTransformer
from unittest import SkipTest

warnings.simplefilter("ignore")
nets = MLPClassifier(max_iter=5), MLPRegressor(max_iter=5)
made = MLPTransformer(MLPRegressor(max_iter=5, random_state=0))
ran = set()
for estimator in (*nets, made):
    for each, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        if name.startswith("check_array_api"):
            try:
                check(each)
                ran.add((type(each).__name__, name, str(check.keywords)))
            except SkipTest:
                pass
print(len(ran))
"""


def test_it_passes_those_of_arrays_of_other_libraries():
    """In a process of its own, since SCIPY_ARRAY_API counts when SciPy is imported."""
    pytest.importorskip("array_api_strict", reason="the arrays are array-api-strict's")
    parsed = sklearn.utils.fixes.parse_version
    if parsed(sklearn.__version__) < parsed("1.8"):
        pytest.skip("scikit-learn below 1.8 wants classes_ in the samples' library")
    root = Path(bpx.__file__).parents[1]
    paths = os.pathsep.join([str(root), str(root / "backends")])
    ran = subprocess.run(
        [sys.executable, "-c", DISPATCHED],
        env={**os.environ, "PYTHONPATH": paths, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) >= 6
