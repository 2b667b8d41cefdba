"""scikit-learn's checks of an estimator's behaviour, all of them."""

import pytest

sklearn = pytest.importorskip("sklearn", reason="the checks are scikit-learn's")
estimator_checks = pytest.importorskip("sklearn.utils.estimator_checks")

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
