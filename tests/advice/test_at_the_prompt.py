"""At the command line no message speaks Python, and what it advises works when it is typed.

Each mistake is typed; then the command as the message has it.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import bpx
from tests.cli.invoked import COMMAND, SECONDS, invoke

PYTHON = re.compile(
    r"""(?<![-\w])[a-z]\w*=        # an argument: a variable of the environment has capitals
    | \b(?:np|bpx|net|x|y)\.(?!csv|npz|npy|toml)[a-zA-Z_]\w*    # a name in a module, a method
    | \w\(\.\.\.""",
    re.VERBOSE,
)
"""What a person at a prompt cannot type."""

TRAIN = "train blobs.csv --epochs 1 --seed 0 --out run"
BINARY = "train binary.csv --epochs 1 --seed 0 --out run"
NUMBERS = "train numbers.csv --epochs 1 --seed 0 --out run"

FOLLOWED = {
    "a misspelt activation": (
        TRAIN + " --hidden rellu",
        r"did you mean '(relu)'",
        TRAIN + " --hidden {}",
    ),
    "a misspelt cost": (
        TRAIN + " --cost quadratik",
        "did you mean '(quadratic)'",
        TRAIN + " --cost {}",
    ),
    "a misspelt feedback": (
        TRAIN + " --feedback dfaa",
        "did you mean '(dfa)'",
        TRAIN + " --feedback {}",
    ),
    "a misspelt initializer": (
        TRAIN + " --init boook",
        "did you mean '(book)'",
        TRAIN + " --init {}",
    ),
    "a misspelt backend": (
        TRAIN + " --backend nunpy",
        "did you mean '(numpy)'",
        TRAIN + " --backend {}",
    ),
    "a misspelt dtype": (
        TRAIN + " --dtype float46",
        "did you mean '(float64)'",
        TRAIN + " --dtype {}",
    ),
    "a device for auto": (
        TRAIN + " --backend auto:0",
        "write '(auto)'",
        TRAIN + " --backend {}",
    ),
    "other inputs": (TRAIN + " --layers 5,4,3", "expected (--layers 3,4,3)", TRAIN + " {}"),
    "too few outputs": (TRAIN + " --layers 3,4,2", "expected (--layers 3,4,3)", TRAIN + " {}"),
    "no layers": (TRAIN + " --layers 3", r"such as (784,30,10)", TRAIN + " --layers 3,30,3"),
    "softmax alone": (
        BINARY + " --layers 3,4,1 --output softmax --cost quadratic",
        "use (--output sigmoid)",
        BINARY + " --layers 3,4,1 {}",
    ),
    "cross-entropy after tanh": (
        TRAIN + " --output tanh --cost cross_entropy",
        "use (--output softmax)",
        TRAIN + " {} --cost cross_entropy",
    ),
    "tanh before cross-entropy": (
        BINARY + " --output tanh --cost cross_entropy",
        "as (--cost quadratic)",
        BINARY + " --output tanh {}",
    ),
    "binary cross-entropy after relu": (
        BINARY + " --output relu --cost binary_cross_entropy",
        "needs (--output sigmoid)",
        BINARY + " {} --cost binary_cross_entropy",
    ),
    "Nesterov without momentum": (
        TRAIN + " --optimizer sgd --nesterov",
        r"as (--momentum 0\.9)",
        TRAIN + " --optimizer sgd --nesterov {}",
    ),
    "another optimizer's option": (
        TRAIN + " --optimizer adam --momentum 0.9",
        "is for (--optimizer sgd)",
        TRAIN + " {} --momentum 0.9",
    ),
    "too large a batch": (
        TRAIN + " --batch-size 1000",
        r"number in 1 \.\.\. (\d+)",
        TRAIN + " --batch-size {}",
    ),
    "targets out of reach": (
        NUMBERS + " --output sigmoid --cost quadratic",
        "use (--output identity)",
        NUMBERS + " {}",
    ),
    "a folder with files": (
        TRAIN.replace("--out run", "--out full"),
        "omit (--out) for",
        TRAIN.partition(" --out")[0],
    ),
    "a file for a folder": (
        TRAIN.replace("--out run", "--out blobs.csv"),
        "expected a (new) or empty folder",
        TRAIN.replace("run", "{}"),
    ),
    "a column that is not there": (
        TRAIN + " --target colour",
        "it has 4: .*, (kind)",
        TRAIN + " --target {}",
    ),
    "a key that is not there": (
        "train blobs.npz --epochs 1 --out run --target z",
        "such as (--target y)",
        "train blobs.npz --epochs 1 --out run {}",
    ),
    "targets of a named data set": (
        "train digits --target kind --epochs 1 --out run",
        "(has) its own targets",
        "train digits --epochs 1 --out run",
    ),
    "a fraction of a named data set": (
        "train digits --validation-fraction 0.2 --epochs 1 --out run",
        "(omit) it",
        "train digits --epochs 1 --out run",
    ),
    "another suffix for answers": (
        "predict full blobs.csv --target kind --out a.txt",
        r"ends in (\.csv)",
        "predict full blobs.csv --target kind --out a{}",
    ),
    "the targets among the inputs": (
        "predict arrays blobs.csv",
        r"\((--target) names a column",
        "predict arrays blobs.csv {} kind",
    ),
    "a split of a file": (
        "evaluate full/model.safetensors blobs.csv --split validation",
        r"with the (folder of the run)",
        "evaluate full blobs.csv --split validation",
    ),
    "classes of numbers": (
        "predict numbers numbers.csv --target price --labels",
        "(omit it), or train",
        "predict numbers numbers.csv --target price",
    ),
    "Python without a name": (
        "check advised.py",
        r"such as (advised\.py:advised)",
        "check advised.py:mine",
    ),
    "a misspelt part": ("check rellu", "did you mean '(relu)'", "check {}"),
    "an option for another file": (
        "predict arrays blobs.npy --target kind",
        "or (no) such option",
        "predict arrays blobs.npy",
    ),
    "a float tolerance": (
        "check relu --tolerance -1",
        r"a number in \(0, (0\.1)\)",
        "check relu --tolerance 1e-5",
    ),
    "a header of numbers": (
        "train years.csv --target 2 --epochs 1 --out run",
        "pass (--header) if",
        "train years.csv {} --epochs 1 --out run --task numbers",
    ),
    "a sample for a header": (
        "train years.csv --target 2 --epochs 1 --out run",
        "(--no-header) if",
        "train years.csv {} --epochs 1 --out run --task numbers",
    ),
    "identifiers": (
        "train ids.csv --epochs 1 --out run",
        "(--drop id)",
        "train ids.csv {} --epochs 1 --out run",
    ),
    "identifiers that are meant": (
        "train ids.csv --epochs 1 --out run",
        "(--features all)",
        "train ids.csv {} --epochs 1 --out run",
    ),
    "many classes": (
        NUMBERS + " --task classes --target word",
        "column 'word'; it has 4: .*, (price)",
        NUMBERS + " --target {}",
    ),
    "texts for numbers": (
        "train words.csv --task numbers --epochs 1 --out run",
        "or (--task classes)",
        "train words.csv {} --epochs 1 --out run",
    ),
    "the target among the dropped": (
        TRAIN + " --drop kind --target kind",
        "with (--drop) kind",
        TRAIN + " --target kind",
    ),
    "two decimal points": (
        TRAIN + " --delimiter , --decimal ,",
        r"such as (--delimiter) ';'",
        TRAIN + " {} ,",
    ),
    "no steps": (
        "compare numpy --steps 0",
        "number of at least (1)",
        "compare numpy --steps {}",
    ),
}

RUNS = {"full": "blobs.csv", "numbers": "numbers.csv", "arrays": "blobs.npz"}
"""The runs that are there, and what they were trained on."""

MORE = (
    TRAIN + " --epochs 0",
    TRAIN + " --seed -1",
    TRAIN + " --eta -1",
    TRAIN + " --lmbda -1",
    TRAIN + " --optimizer adamw --decay -1",
    TRAIN + " --optimizer sgd --momentum 1.5",
    TRAIN + " --batch-size 0",
    TRAIN + " --backend cuda",
    TRAIN + " --backend numpy:1",
    TRAIN + " --data nowhere",
    "train nowhere.csv",
    "train mnits",
    "train mnist --data nowhere",
    "train mnist --data full",
    "train empty.csv",
    "train mixed.csv",
    "train one.csv",
    "train a.npz",
    "train objects.npz",
    "train text.npz",
    "train short.npz",
    "train far.npz",
    "train blobs.npy",
    "train what.dat",
    "evaluate nowhere blobs.csv",
    "evaluate blobs.csv blobs.csv",
    "evaluate custom.safetensors blobs.csv",
    "evaluate full numbers.csv",
    "predict full nowhere.csv",
    "predict full blobs.csv --out nowhere/a.csv --target kind",
    "check nowhere.py:mine",
    "check advised.py:mien",
    "check nowhere",
    "compare nunpy",
    "compare numpy --batch-size 0",
    "compare numpy --seed -1",
)
"""Other mistakes, whose messages advise nothing that could be typed as it stands."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables, arrays, and the folders of two runs."""
    place, rng = tmp_path_factory.mktemp("advice"), np.random.default_rng(0)
    y = np.arange(60) % 3
    x = np.eye(3)[y] + rng.normal(0, 0.1, (60, 3))
    for name, targets in (("blobs", y), ("binary", y % 2), ("numbers", 25.0 + 100.1 * x[:, 0])):
        label = "price" if name == "numbers" else "kind"
        head = {"header": f"a,b,c,{label}", "comments": ""}
        np.savetxt(place / f"{name}.csv", np.c_[x, targets], "%.6g", ",", **head)
    np.savez(place / "blobs.npz", x=x, y=y)
    np.savez(place / "a.npz", a=x, b=y)
    np.savez(place / "objects.npz", x=x.astype(object), y=y)
    np.savez(place / "text.npz", x=x, y=y.astype(str))
    np.savez(place / "short.npz", x=x, y=y[:5])
    np.savez(place / "far.npz", x=x, y=y + 2**40)
    np.save(place / "blobs.npy", x)
    counted = "".join(
        f"{i},{v:.3f},{k}\n" for i, (v, k) in enumerate(zip(x[:, 0], y, strict=True))
    )
    (place / "ids.csv").write_text("id,a,kind\n" + counted)
    years = "".join(f"{a:.3f},{b:.3f},{c:.3f}\n" for a, b, c in x)
    (place / "years.csv").write_text("2019,2020,2021\n" + years)
    words = "".join(
        f"{v:.3f},{('red', 'blue')[k % 2]}\n" for v, k in zip(x[:, 0], y, strict=True)
    )
    (place / "words.csv").write_text("a,word\n" + words)
    texts = {"empty": "", "mixed": "a,2\n1,0\n", "one": "a\n1\n2\n"}
    for name, text in texts.items():
        (place / f"{name}.csv").write_text(text)
    (place / "what.dat").write_bytes(b"\1\2\3\4\5\6\7\10")
    (place / "advised.py").write_text(
        "import bpx\n\nmine = bpx.Elementwise('mine', lambda z: z * z, lambda z, a: 2.0 * z)\n"
    )
    mine = bpx.Elementwise("mine", bpx.activations.tanh.sigma, lambda z, a: 1.0 - a * a)
    bpx.Network([3, 4, 3], hidden=mine, seed=0).save(place / "custom.safetensors")
    with contextlib.chdir(place):
        for out, data in RUNS.items():
            done = invoke("train", data, "--epochs", 1, "--seed", 0, "--out", out)
            assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def here(folder, monkeypatch, tmp_path):
    """A copy of the folder to make mistakes in."""
    for name in [name for name in os.environ if name.startswith("BPX_")]:
        monkeypatch.delenv(name)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def said(words):
    """The message of a mistake, on one line."""
    done = invoke(*words.split())
    assert done.exit_code in (1, 2), done.output
    assert "Error: " in done.output
    assert isinstance(done.exception, SystemExit)
    return " ".join(done.output.split())


@pytest.mark.parametrize("name", FOLLOWED)
def test_advice_that_is_typed_works(name, here):
    wrong, advice, right = FOLLOWED[name]
    if "digits" in right:
        pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    if "words" in wrong:
        for package in ("pyarrow", "narwhals"):
            pytest.importorskip(package, reason=f"{package} is not installed")
    message = said(wrong)
    assert not PYTHON.search(message), message
    found = re.search(advice, message)
    assert found, message
    done = invoke(*right.format(found[1]).split())
    assert done.exit_code == 0, done.output


def test_no_message_speaks_python(here):
    spoken = {words: said(words) for words in MORE}
    found = {words: PYTHON.search(message) for words, message in spoken.items()}
    assert {words: spoken[words] for words, match in found.items() if match} == {}


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("take output='identity'", True),
        ("net.evaluate(x, y)", True),
        ("np.unique(y)", True),
        ("bpx.Table", True),
        ("pass load(..., 3)", True),
        ("x.reshape(3)", True),
        ("set JAX_ENABLE_X64=1, or --dtype float32", False),
        ("read x.csv or BPX_DATA", False),
    ],
)
def test_what_is_python(text, python):
    assert bool(PYTHON.search(text)) == python


@pytest.mark.parametrize("column", ["spread", "health"])
def test_what_a_run_prints_speaks_no_python(column, here):
    samples = bpx.data.read("blobs.npz")  # a table's columns are scaled
    np.savez("wide.npz", x=samples.x * [1e6, 1.0, 1.0], y=samples.y)
    more = ("--health", "--hidden", "sigmoid", "--eta", "9") if column == "health" else ()
    done = invoke("train", "wide.npz", "--epochs", 1, "--seed", 0, "--out", "run", *more)
    assert done.exit_code == 0, done.output
    assert "Warning: column 0 of x" in done.output
    assert "try " in done.output or column != "health"
    assert not PYTHON.search(done.output), done.output


def test_the_variable_that_jax_asks_for_works(here):
    pytest.importorskip("jax", reason="JAX is not installed")

    def run(**more):
        told = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **more}
        words = ["train", "blobs.csv", "--epochs", "1", "--out", "run", "--backend", "jax"]
        command = [*COMMAND, *words, "--dtype", "float64"]
        return subprocess.run(
            command, env=told, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    refused = run(JAX_ENABLE_X64="0")
    assert refused.returncode == 1, refused.stderr
    assert not PYTHON.search(refused.stderr), refused.stderr
    name, value = re.search(r"set (\w+)=(\d)", refused.stderr).groups()
    followed = run(**{name: value})
    assert followed.returncode == 0, followed.stderr
