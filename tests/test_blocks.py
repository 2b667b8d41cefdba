"""Every fenced block of the README and the docs runs or is checked; an unknown kind fails.

The cells of most pages run in `tests/test_docs.py`; those of the pages in `BUILT` run when the
docs are built. Commands are followed in `tests/test_printed.py`, and the programs of
`docs/c.md` in `tests/test_c_page.py`.
"""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from tests.launching import environment
from tests.printed import _COMMAND
from tests.test_docs import EXECUTED, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PAGES += sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
BUILT = ("backends", "command-line", "engine", "getting-started", "training")
"""Pages that need Matplotlib, other backends or a shell; `make docs` has these."""
WHOLE = ("README.md", "docs/pytorch-and-jax.md")
"""Pages whose Python is run as one program, in `tests/test_docs.py`."""
IN_C = "docs/c.md"
LAUNCHED = "docs/ranks.md"
DIRECTIVES = ("{eval-rst}", "{toctree}", "{include}", "{literalinclude}")
"""What Sphinx resolves, or stops at."""


class Block(NamedTuple):
    """A fenced block: its page, its kind, what follows the kind, and its text."""

    page: str
    kind: str
    given: str
    text: str


def blocks():
    found = []
    for path in PAGES:
        page = path.relative_to(ROOT).as_posix()
        for opening, text in FENCE.findall(path.read_text(encoding="utf-8")):
            kind, _, given = opening.partition(" ")
            if kind == "{code-block}":
                kind, given, text = given, "", re.sub(r"\A(:.*\n|\n)+", "", text)
            found.append(Block(page, kind, given, text))
    return found


BLOCKS = blocks()


def of(*kinds):
    return [
        pytest.param(block, id=f"{block.page}-{i}")
        for i, block in enumerate(BLOCKS)
        if block.kind in kinds
    ]


def test_every_block_is_of_a_kind_that_is_checked():
    known = {"{code-cell}", "sh", "python", "toml", "diff", "text", *DIRECTIVES}
    in_c = {(IN_C, "c"), (IN_C, "js")}
    others = [block for block in BLOCKS if block.kind not in known]
    assert [block for block in others if (block.page, block.kind) not in in_c] == []
    assert len(BLOCKS) == sum(
        path.read_text(encoding="utf-8").count("\n```\n") for path in PAGES
    ) + sum(path.read_text(encoding="utf-8").endswith("\n```") for path in PAGES)


def test_the_pages_with_cells_are_run():
    pages = {Path(block.page).stem for block in BLOCKS if block.kind == "{code-cell}"}
    assert pages == {*EXECUTED, *BUILT}
    for page in pages:
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        assert text.startswith("---\nfile_format: mystnb\n"), "or Sphinx does not run its cells"


@pytest.mark.parametrize("block", of("sh"))
def test_a_line_of_a_shell_is_a_command_that_is_followed(block):
    if block.text.startswith("#!"):
        bash = shutil.which("bash") or pytest.skip("there is no bash")
        subprocess.run([bash, "-n"], input=block.text, text=True, check=True)
        return
    lines = [re.sub(r"(^|\s+)# .*", "", line).strip() for line in block.text.splitlines()]
    if block.page == IN_C:
        lines = [line for line in lines if not line.startswith(("cc ", "./", "node "))]
    if block.page == LAUNCHED:  # the example: see `tests/test_examples.py`
        lines = [line for line in lines if not line.startswith("mpiexec ")]
    assert [line for line in lines if line and not _COMMAND.match(line)] == []


@pytest.mark.parametrize("block", of("toml"))
def test_toml_is_toml(block):
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", of("{literalinclude}", "{include}"))
def test_what_is_included_is_there(block):
    path = (ROOT / block.page).parent / block.given
    assert path.is_file()
    for wanted in re.findall(r"^:pyobject: ([\w.]+)$", block.text, re.M):
        text = path.read_text(encoding="utf-8")
        assert re.search(rf"(def|class) {wanted.rpartition('.')[2]}\b", text)


def test_texts_and_diffs_are_checked_where_they_are():
    """The README's output and the diffs in `tests/test_docs.py`; the other is a signature."""
    pages = {(block.page, block.kind) for block in BLOCKS if block.kind in ("text", "diff")}
    assert pages == {
        ("README.md", "text"),
        ("docs/engine.md", "text"),
        ("CONTRIBUTING.md", "diff"),
    }
    (text,) = (b.text for b in BLOCKS if (b.page, b.kind) == ("docs/engine.md", "text"))
    assert isinstance(ast.parse(text.replace("-> state", "")).body[0], ast.Expr)


# Python that is no cell


def random_digits(n=40):
    rng = np.random.default_rng(0)
    return rng.random((n, 784), np.float32), rng.integers(0, 10, n).astype(np.int32)


def of_training(code):
    pytest.importorskip("torch", reason="the example is on PyTorch")
    x, y = random_digits()
    settings = {"batch_size": 20, "optimizer": bpx.Adam(), "seed": 0}
    found = run(code.replace("torch:cuda", "torch:cpu"), x=x, y=y, settings=settings)
    assert "torch:cpu" in str(found["net"].home)


def of_getting_started(code):
    torch = pytest.importorskip("torch", reason="the example is PyTorch's file")
    import safetensors.torch

    parts = torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.Softmax(1)
    model = torch.nn.Sequential(*parts)
    found = run(code, model=model, safetensors=safetensors)
    x = torch.rand(6, 4)
    theirs = model(x).detach().numpy()
    np.testing.assert_allclose(bpx.to_host(found["net"].predict(x)), theirs, atol=1e-6)


def of_data(code):
    pa = pytest.importorskip("pyarrow", reason="the example streams Parquet")
    from pyarrow import parquet

    Path("sales").mkdir()
    numbers = np.arange(400) % 5
    table = pa.table(
        {"size": numbers, "place": ["x", "y"] * 200, "price": numbers * 2.5 + 0.25}
    )
    for part in "ab":
        parquet.write_table(table, f"sales/{part}.parquet")
    assert run(code)["net"].schema is not None


def of_dask(code):
    zarr = pytest.importorskip("zarr", reason="the example reads Zarr")
    pytest.importorskip("dask.array", reason="the example is dask's")
    for name, each in (
        ("pixels", np.full((30, 4), 51, "uint8")),
        ("labels", np.arange(30) % 3),
    ):
        zarr.create_array(f"{name}.zarr", data=each)
    samples = run(code)["samples"]
    assert samples.samples == 30
    np.testing.assert_allclose(samples.first.x, 0.2)


def of_processes(code):
    assert run(code, trained=abs)["networks"] == [0, 1, 2, 3]


def of_a_backend(code, monkeypatch):
    """The backend with NumPy in the place of dpnp, which needs Intel's compilers."""
    places = ModuleType("dpctl")
    places.get_devices = list
    for name, module in (("dpctl", places), ("dpnp", np)):
        monkeypatch.setitem(sys.modules, name, module)
    found = run(code)
    assert (found["name"], found["version"](), found["devices"]()) == (
        "dpnp",
        np.__version__,
        (),
    )
    assert found["is_array"](np.zeros(1))


def of_threads(code):
    pytest.importorskip("threadpoolctl", reason="the example needs it")
    x, y = random_digits(128)
    networks = [bpx.Network([784, 8, 10], seed=i, backend="numpy") for i in range(2)]
    assert len(run(code, x=x, y=y, bpx=bpx, networks=networks)["histories"]) == 2


def of_sklearn(code):
    pytest.importorskip("sklearn", reason="the example is scikit-learn's")
    with pytest.warns(match="Maximum iterations"):
        found = run(code)
    assert found["model"].score(found["x_test"], found["y_test"]) > 0.9


def of_torch(code):
    pytest.importorskip("torch", reason="the example is PyTorch's")
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    found = run(code)
    assert (found["model"](found["x"]).argmax(1) == found["y"]).float().mean() > 0.9


def of_keras(code):
    ast.parse(code)
    pytest.importorskip("keras", reason="the example is Keras's")
    assert run(code)["model"].count_params() == 64 * 30 + 30 + 30 * 10 + 10


def of_the_book(code):
    """The book's modules are no package: stand-ins with its signatures."""
    calls = []

    class Network:
        def __init__(self, sizes):
            calls.append(sizes)

        def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
            calls.append((epochs, mini_batch_size, eta, test_data))

    for name, content in (
        ("mnist_loader", {"load_data_wrapper": lambda: ([], [], "test")}),
        ("network", {"Network": Network}),
    ):
        module = ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    try:
        run(code)
    finally:
        del sys.modules["mnist_loader"], sys.modules["network"]
    assert calls == [[784, 30, 10], (30, 10, 3.0, "test")]


def run(code, **names):
    names = {"bpx": bpx, "np": np, **names}
    exec(compile(code, "docs", "exec"), names)
    return names


def of_converters(code):
    for package in ("sklearn", "skl2onnx", "onnxruntime"):
        pytest.importorskip(package, reason="the example runs a model of skl2onnx")
    from sklearn.datasets import load_digits

    from bpx.sklearn import MLPClassifier

    x, y = load_digits(return_X_y=True)  # in float64, as on the page
    model = MLPClassifier(8, max_iter=5, tol=1e9, n_iter_no_change=1).fit(x / 16, y)
    found = run(code, model=model, x_test=x)
    assert (found["labels"] == model.predict(x / 16)).mean() > 0.99
    assert found["probabilities"][0].keys() == set(range(10))


def of_a_data_frame(code):
    pytest.importorskip("onnx", reason="the example runs a model")
    frames = pytest.importorskip("tests.frames", reason="the example has a DataFrame")
    found = run(code, session=frames.session_of_the_page())
    assert found["label"].shape == (2,)
    rows, net, session = frames.of_all_kinds()
    for each in (rows, frames.with_a_time_zone(rows)):
        (prediction,) = session.run(None, found["cells_of"](each, session))
        np.testing.assert_allclose(prediction, net.predict(rows), atol=1e-5)


def of_a_cluster(code):
    """The command on a cluster of two workers in this process, for a small search."""
    for package in ("distributed", "optuna", "click", "rich", "tomli_w"):
        pytest.importorskip(package, reason=f"the example needs {package}")
    Path("numbers.csv").write_text(
        "a,y\n" + "\n".join(f"{i % 7},{i % 7 > 3:d}" for i in range(70))
    )
    space = "[tune.space]\neta = [0.01, 0.02, 0.05]\n"
    Path("search.toml").write_text(f'data = "numbers.csv"\nepochs = 2\n{space}')
    for given, here in (
        ('["bpx", ', f'[{sys.executable!r}, "-m", "bpx.cli", '),
        ("/shared/", ""),
        ('"200"', '"3"'),
        ('Client("tcp://scheduler:8786")', "Client(processes=False, dashboard_address=None)"),
        ("range(8)", "range(2)"),
    ):
        assert given in code
        code = code.replace(given, here)
    program = f"{code}\nclient.close()\nprint(codes)\n"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(),
    )
    assert ran.stdout.splitlines()[-1:] == ["[0, 0]"], ran.stderr
    assert len(list(Path("search").glob("trial-*/model.safetensors"))) == 3


def is_readmes(block):
    return (block.page, block.kind) == ("README.md", "python")


SHOWN = {  # what a block has in it, and what runs it
    ("docs/coming-from-scikit-learn.md", "MLPClassifier"): of_sklearn,
    ("docs/coming-from-pytorch.md", "torch"): of_torch,
    ("docs/coming-from-keras.md", "keras"): of_keras,
    ("docs/coming-from-the-book.md", "mnist_loader"): of_the_book,
    ("docs/scikit-learn.md", "skl2onnx"): of_converters,
    ("docs/export.md", "pandas"): of_a_data_frame,
    ("docs/training.md", "bfloat16"): of_training,
    ("docs/getting-started.md", "save_file"): of_getting_started,
    ("docs/data.md", "sales/"): of_data,
    ("docs/data.md", "import dask"): of_dask,
    ("docs/backends.md", "get_context"): of_processes,
    ("docs/backends.md", "import dpnp"): of_a_backend,
    ("docs/engine.md", "ThreadPoolExecutor"): of_threads,
    ("docs/tune.md", "dask"): of_a_cluster,
}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("block", of("python"))
def test_python_that_is_no_cell_runs(block, tmp_path, monkeypatch):
    if block.page in WHOLE:
        assert block.page != "README.md" or sum(map(is_readmes, BLOCKS)) == 1
        return
    here = [(word, f) for (page, word), f in SHOWN.items() if page == block.page]
    (check,) = (f for word, f in here if word in block.text)
    monkeypatch.chdir(tmp_path)
    names = check.__code__.co_varnames[: check.__code__.co_argcount]
    check(block.text, **({"monkeypatch": monkeypatch} if "monkeypatch" in names else {}))
