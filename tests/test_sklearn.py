"""`bpx.sklearn`, the name under which scikit-learn's users import the estimators."""

import subprocess
import sys
from pathlib import Path

import pytest

import bpx

ROOT = Path(bpx.__file__).parents[1]


def test_it_has_the_estimators():
    pytest.importorskip("sklearn", reason="the estimators are scikit-learn's")
    from bpx.interop import sklearn as estimators

    assert bpx.sklearn.__all__ == estimators.__all__
    assert bpx.sklearn.MLPClassifier is estimators.MLPClassifier


def test_without_scikit_learn_it_says_what_to_install():
    program = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'backends')]!r}\n"
        "sys.modules['sklearn'] = None\n"
        "import bpx\n"
        "try: bpx.sklearn\n"
        "except bpx.BackendError as error: print(error)\n"
        "from bpx import *\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "needs scikit-learn" in ran.stdout
    assert "pip install '.[sklearn]'" in ran.stdout


def test_it_is_imported_when_it_is_asked_for():
    program = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'backends')]!r}\n"
        "import bpx\nfrom bpx import *\n"
        "print('sklearn' in sys.modules, 'sklearn' in dir(bpx))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False", "True"]
