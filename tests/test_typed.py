"""What a consumer's type checker makes of bpx, in its strict mode."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CONSUMER = HERE / "typed" / "consumer.py"


def by_mypy(path, cache):
    """Its exit status, and the lines that tell of errors."""
    pytest.importorskip("mypy", reason="a type checker")
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(path)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=HERE.parent,
    )
    return told.returncode, [line for line in told.stdout.splitlines() if ": error: " in line]


def test_mypy_believes_it(tmp_path):
    assert by_mypy(CONSUMER, tmp_path) == (0, [])


def test_pyright_believes_it(tmp_path):
    if shutil.which("pyright", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("pyright is not installed")
    (tmp_path / "consumer.py").write_text(CONSUMER.read_text(encoding="utf-8"), "utf-8")
    settings = {"typeCheckingMode": "strict", "include": ["consumer.py"]}
    settings["extraPaths"] = [str(HERE.parent), str(HERE.parent / "backends")]
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
    )
    found = json.loads(told.stdout)["generalDiagnostics"]
    assert [(each["range"]["start"]["line"] + 1, each["message"]) for each in found] == []


def test_a_checker_sees_what_is_wrong(tmp_path):
    """The other tests would pass if everything were Any."""
    wrong = tmp_path / "wrong.py"
    lines = [
        "import bpx",
        "net = bpx.Network([2, 1])",
        "net.fit([[0.0, 1.0]], [1.0], epochs='many', batch_size=1, optimizer=bpx.Adam())",
        "net.forward(net.weights[0]).gradients",
        "bpx.Trainer(net, optimizer=0.1)",
    ]
    wrong.write_text("\n".join(lines), "utf-8")
    status, errors = by_mypy(wrong, tmp_path)
    assert status == 1
    for line, code in ((3, "arg-type"), (4, "attr-defined"), (5, "arg-type")):
        assert any(f"wrong.py:{line}: error" in each and code in each for each in errors)
