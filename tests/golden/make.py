"""Make the golden files anew, by the bpx of this folder.

::

    python -m tests.golden.make --again

They record what files and answers an earlier bpx has left. A test that fails on them says that
today's bpx no longer reads, writes or answers alike: mend that. Only where a format changes on
purpose are they made again, and then beside the old ones, which are to be read for ever.
``made.json`` says by which commit and versions they were made.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import bpx
from tests.golden.recipes import inputs, trained

__all__ = ["COMMANDS", "FOLDER", "RUNS", "TABLE", "bpx_says", "main"]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TABLE = "blobs.csv"

RUNS = {
    "run": (
        *("--target", "kind", "--layers", "3,6,3", "--hidden", "tanh", "--feedback", "fa"),
        *("--optimizer", "sgd", "--eta", "0.2", "--momentum", "0.9", "--nesterov"),
        *("--lmbda", "0.1", "--epochs", "4", "--batch-size", "8", "--seed", "5"),
        *("--dtype", "float64", "--validation-fraction", "0.25", "--health"),
    ),
    "run_by_default": ("--target", "kind", "--epochs", "10", "--seed", "5"),
}
"""The options of the runs. The second leaves all but these to bpx."""

COMMANDS = {
    "evaluated.txt": ("evaluate", "RUN", TABLE, "--split", "validation"),
    "predicted.csv": ("predict", "RUN", TABLE, "--target", "kind"),
    "labels.csv": ("predict", "RUN", TABLE, "--target", "kind", "--labels"),
}
"""What a run is asked, and the file beside it that keeps the answer."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them, if that is said twice."""
    parser = argparse.ArgumentParser("tests.golden.make", description=__doc__.split("\n")[0])
    parser.add_argument("--again", action="store_true", help="replace those that are there")
    if (FOLDER / "made.json").exists() and not parser.parse_args(arguments).again:
        parser.error("the golden files are there; --again replaces them: read first what for")
    made = _made_by()
    _write("expected.json", {"x": inputs().tolist(), **dict(_networks())})
    _write_table(FOLDER / TABLE)
    for name, options in RUNS.items():
        _run(name, options)
    _write("made.json", made)


def bpx_says(*words: str, cwd: Path = FOLDER) -> str:
    """What ``bpx`` prints, run by this folder's bpx.

    Raises
    ------
    CalledProcessError
        If it ends with an error.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BPX_")}
    path = os.pathsep.join((str(ROOT), str(ROOT / "backends")))
    done = subprocess.run(
        [sys.executable, "-m", "bpx", *words],
        cwd=cwd,
        env=kept | {"PYTHONPATH": path, "BPX_NUMBA": "off"},
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


def _networks() -> Iterator[tuple[str, dict[str, Any]]]:
    (FOLDER / "networks").mkdir(exist_ok=True)
    for name, net in trained():
        net.save(FOLDER / "networks" / f"{name}.safetensors")
        yield name, _described(net)


def _described(net: bpx.Network) -> dict[str, Any]:
    return {
        "sizes": net.sizes,
        "activations": [layer.activation.name for layer in net.spec.layers],
        "cost": net.spec.cost.name,
        "feedback": net.spec.feedback.name,
        "seed": net.seed,
        "dtype": net.home.dtype,
        "outputs": net.predict(inputs()).tolist(),
    }


def _write_table(path: Path) -> None:
    """Three classes that are easy to tell apart, the class in the first column."""
    rng = np.random.default_rng(0)
    kind = np.arange(48) % 3
    table = np.c_[kind, np.eye(3)[kind] + rng.normal(0, 0.5, (48, 3))]
    np.savetxt(path, table, "%.4g", ",", header="kind,a,b,c", comments="")


def _run(name: str, options: Sequence[str]) -> None:
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    bpx_says("train", TABLE, *options, "--out", name, "--quiet")
    for file, command in COMMANDS.items():
        said = bpx_says(*(name if word == "RUN" else word for word in command))
        (FOLDER / name / file).write_text(said, encoding="utf-8", newline="\n")


def _made_by() -> dict[str, str]:
    """The commit of the last change of bpx, which must be all that there is, and versions."""
    if _git("status", "--porcelain", "bpx", "backends"):
        sys.exit("bpx has changes that are not committed; the golden files must name a commit")
    return {
        "commit": _git("log", "-1", "--format=%H", "--", "bpx", "backends"),
        "bpx": bpx.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "safetensors")},
    }


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def _write(name: str, content: Mapping[str, Any]) -> None:
    """JSON, one line for each thing in it."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
