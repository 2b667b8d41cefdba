"""scikit-learn's own tests of its multi-layer perceptrons, run on bpx's.

The installed file is executed as it is, but for the line that imports the two classes.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

sklearn = pytest.importorskip("sklearn", reason="these are scikit-learn's own tests")

IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
VERSION = "1.9"
EXCEPTED = {
    "test_gradient": (
        "calls the private method _loss_grad_lbfgs; test_lbfgs.py checks the gradient that "
        "SciPy gets against differences"
    ),
}
"""The tests that read scikit-learn's private state, and where bpx checks the same."""


def source():
    if not sklearn.__version__.startswith(f"{VERSION}."):
        return None
    found = Path(find_spec("sklearn").origin).parent / "neural_network/tests/test_mlp.py"
    return found.read_text(encoding="utf-8") if found.exists() else None


TEXT = source()
if TEXT is None:
    pytest.skip(
        f"this scikit-learn is not {VERSION}, or does not ship test_mlp.py",
        allow_module_level=True,
    )
assert TEXT.count(IMPORT) == 1
THEIRS = {"__name__": __name__}
exec(
    compile(
        TEXT.replace(IMPORT, "from bpx.sklearn import MLPClassifier, MLPRegressor"),
        "test_mlp.py",
        "exec",
    ),
    THEIRS,
)
TESTS = {name: test for name, test in THEIRS.items() if name.startswith("test_")}


@pytest.fixture
def global_random_seed():
    return 42


for name, test in TESTS.items():
    if name in EXCEPTED:
        test = pytest.mark.skip(reason=EXCEPTED[name])(test)
    globals()[name] = pytest.mark.filterwarnings("default")(test)


def test_they_are_the_ones_that_were_counted():
    assert len(TESTS) == 43
    assert EXCEPTED.keys() <= TESTS.keys()
