"""What a consumer's type checker makes of bpx, in its strict mode."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import bpx
from bpx.costs import BuiltInCost
from bpx.data.catalogue import SOURCES, DatasetName
from bpx.interop import operators, spectrum
from bpx_backends import KNOWN

HERE = Path(__file__).parent
CONSUMER = HERE / "typed" / "consumer.py"
WRONG = HERE / "typed" / "wrong.py"

TABLES = {
    "ActivationName": (bpx.activations.ActivationName, bpx.activations.ACTIVATIONS),
    "BackendName": (bpx.BackendName, [*KNOWN, "auto"]),
    "BuiltInCost": (BuiltInCost, bpx.costs.COSTS),
    "CostName": (bpx.costs.CostName, [*bpx.costs.COSTS, *bpx.costs.CHOICES]),
    "Curvature": (operators.Curvature, operators._PRODUCTS),
    "DatasetName": (DatasetName, ["digits", *SOURCES]),
    "FeedbackName": (bpx.feedback.FeedbackName, bpx.feedback.FEEDBACKS),
    "InitializerName": (bpx.initializers.InitializerName, bpx.initializers.INITIALIZERS),
    "MetricName": (bpx.metrics.MetricName, bpx.metrics.METRICS),
    "Order": (spectrum.Order, spectrum._ORDERS),
}


def by_mypy(path, cache):
    """Its exit status, and the lines that tell of errors."""
    pytest.importorskip("mypy", reason="a type checker")
    alone = "--follow-imports=silent"  # errors elsewhere are told by `make types`
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", alone, "--cache-dir", str(cache), str(path)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=HERE.parent,
    )
    return told.returncode, [line for line in told.stdout.splitlines() if ": error: " in line]


def by_pyright(path, folder):
    """The lines that are wrong, with what is said of them."""
    if shutil.which("pyright", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("pyright is not installed")
    (folder / path.name).write_text(path.read_text(encoding="utf-8"), "utf-8")
    settings = {"typeCheckingMode": "strict", "include": [path.name]}
    settings["extraPaths"] = [str(HERE.parent), str(HERE.parent / "backends")]
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=folder,
    )
    found = json.loads(told.stdout)["generalDiagnostics"]
    return [(each["range"]["start"]["line"] + 1, each["message"]) for each in found]


def marked():
    """The lines of `WRONG` that end in the code of an error, with that code."""
    lines = enumerate(WRONG.read_text(encoding="utf-8").splitlines(), 1)
    ends = ((at, re.search(r"# wrong: ([\w-]+)$", line)) for at, line in lines)
    return [(at, end[1]) for at, end in ends if end]


def test_mypy_believes_it(tmp_path):
    assert by_mypy(CONSUMER, tmp_path) == (0, [])


def test_pyright_believes_it(tmp_path):
    assert by_pyright(CONSUMER, tmp_path) == []


def test_mypy_sees_what_is_wrong(tmp_path):
    """The other tests would pass if everything were Any."""
    status, errors = by_mypy(WRONG, tmp_path)
    found = (re.search(r"wrong\.py:(\d+): error: .*\[([\w-]+)\]$", each) for each in errors)
    assert status == 1
    assert [(int(each[1]), each[2]) for each in found] == marked()


def test_pyright_sees_what_is_wrong(tmp_path):
    lines = {at for at, _ in by_pyright(WRONG, tmp_path)}
    assert sorted(lines) == [at for at, _ in marked()]


@pytest.mark.parametrize("name", TABLES)
def test_the_names_that_a_checker_knows_are_those_of_the_table(name):
    literal, table = TABLES[name]
    assert sorted(get_args(literal)) == sorted(table)
