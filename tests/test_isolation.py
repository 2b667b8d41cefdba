"""What bpx does not do: import what nobody asked for, name libraries, change the process."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bpx

ROOT = Path(bpx.__file__).parent
LIBRARIES = ("numpy", "cupy", "torch", "jax", "array_api_strict", "numba")
HOST_ROOMS = ("data", "io", "export", "interop", "cli")
HOST_FILES = [ROOT / "arrays" / "host.py"]
HOST_FILES += [ROOT / "privacy" / f"{name}.py" for name in ("batches", "sampling", "sources")]
MATHEMATICS = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0] not in HOST_ROOMS and path not in HOST_FILES
)

ON_DEMAND = ("data", "inspect", "privacy", "testing")
SIGNATURES = {  # of these, what the signatures of training name
    "bpx.inspect",
    "bpx.inspect.health",
    "bpx.inspect.health.limits",
    "bpx.inspect.health.probe",
    "bpx.privacy",
    "bpx.privacy.accounting",
    "bpx.privacy.dpsgd",
    "bpx.privacy.limits",
}
TRAINING = """
x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
settings = dict(epochs=1, batch_size=1, optimizer=bpx.SGD(1.0), validation=(x, y))
net = bpx.Network([2, 3, 2], seed=0)
net.fit(x, y, **settings)
"""


def run(program, **environment):
    paths = (
        f"import sys; sys.path[:0] = {[str(ROOT.parent), str(ROOT.parent / 'backends')]!r}\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", paths + program],
        capture_output=True,
        text=True,
        env={"PATH": "", **environment},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_importing_bpx_imports_no_array_library_but_numpy():
    heavy = (*LIBRARIES[1:], "array_api_compat", "sklearn", "scipy", "pooch", "click", "rich")
    heavy += ("dp_accounting", "onnx", "google.protobuf")
    loaded = run(f"import bpx\nprint([m for m in {heavy!r} if m in sys.modules])")
    assert loaded.strip() == "[]"


def on_demand(program):
    """What a program loads of the parts that a training does not need."""
    loaded = run(f"import bpx\n{program}\nprint(*sys.modules)").split()
    return {name for name in loaded if name.split(".")[:2] in [["bpx", p] for p in ON_DEMAND]}


@pytest.mark.parametrize("program", ["", TRAINING], ids=["import", "training"])
def test_what_a_training_does_not_need_is_not_imported(program):
    assert on_demand(program) == SIGNATURES


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("bpx.data.read", "bpx.data.reading"),
        ("bpx.inspect.check", "bpx.inspect.checks.check"),
        ("bpx.privacy.noise_for", "bpx.privacy.calibration"),
        ("bpx.testing.compare", "bpx.testing.lockstep"),
        ("from bpx import data", "bpx.data.catalogue"),
        ("from bpx import *", "bpx.testing.comparison"),
        ("from bpx.inspect import Health", "bpx.inspect.plots"),
        ("from bpx.inspect import *\ncheck", "bpx.inspect.checks.check"),
        (TRAINING + "net.fit(x, y, **settings, health=True)", "bpx.inspect.health.look"),
    ],
)
def test_it_is_imported_when_it_is_asked_for(program, module):
    assert module in on_demand(program)


@pytest.mark.parametrize("name", ["cupy", "torch", "jax"])
def test_a_backend_is_not_imported_by_choosing_another(name):
    loaded = run(
        "import bpx\nbpx.Network([2, 2]).predict([[0.0, 1.0]])\n"
        f"print({name!r} in sys.modules)",
        BPX_BACKEND="numpy",
    )
    assert loaded.strip() == "False"


def test_importing_bpx_changes_nothing_in_the_process():
    changed = run(
        "import os, warnings, logging, numpy as np\n"
        "def look(): return (dict(os.environ), list(warnings.filters), np.geterr(),\n"
        "                    logging.root.level, len(logging.root.handlers),\n"
        "                    np.random.get_state()[1].tobytes())\n"
        "before = look()\n"
        "import bpx\n"
        "net = bpx.Network([2, 2], seed=0)\n"
        "net.fit([[0.0, 1.0]], [0], epochs=1, batch_size=1, optimizer=bpx.SGD(1.0))\n"
        "print(before != look())"
    )
    assert changed.strip() == "False"


def test_a_clone_that_is_not_installed_says_so():
    said = run(
        "sys.modules['bpx_backends'] = None\n"
        "try: import bpx\n"
        "except ModuleNotFoundError as error: print(error.name, error)"
    )
    assert said.startswith("bpx_backends ")
    assert said.endswith("not installed; in the clone, run: pip install .\n")


def test_a_bad_environment_does_not_stop_the_import():
    assert (
        run("import bpx\nprint('ok')", BPX_BACKEND="nonsense", BPX_DTYPE="float7").strip()
        == "ok"
    )


@pytest.mark.parametrize("path", MATHEMATICS, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_mathematics_imports_no_array_library(path):
    tree = ast.parse(path.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & set(LIBRARIES)


@pytest.mark.parametrize(
    "room",
    [
        "equations",
        "activations",
        "pairs",
        "costs/__init__",
        "costs/cost",
        "costs/entropies",
        "costs/focal",
        "costs/margins",
        "costs/regression",
        "model/passes",
        "optim/optimizers",
        "layers/dense",
    ],
)
def test_the_equations_do_not_even_name_one(room):
    code = (ROOT / f"{room}.py").read_text()
    assert not re.search(r"\b(np|numpy|cupy|torch|jax)\b", code)


def test_every_room_was_looked_at():
    assert {"equations.py", "loop.py", "random.py"} <= {path.name for path in MATHEMATICS}
