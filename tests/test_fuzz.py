"""Files from strangers: some of those of `tools.fuzz`, and the smallest of each finding."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from random import Random

import pytest

import bpx
from tools.fuzz import child, formats
from tools.fuzz.changes import of_bytes, of_safetensors, of_toml

ROOT = Path(__file__).parents[1]
NAMES = list(formats.FORMATS)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is limited by Linux's address space"
)


@pytest.mark.parametrize("name", NAMES)
def test_changed_files_are_refused_or_right(name):
    needed = {"toml": "click", "onnx": "onnx"}
    if name in needed:
        pytest.importorskip(needed[name], reason=f"{needed[name]} is an extra")
    words = [sys.executable, "-m", "tools.fuzz", f"--formats={name}", "--count=300", "--seed=1"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{name}: " in ran.stdout
    assert " 0 wrong" in ran.stdout


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda *_: None, "read"),
        (lambda *_: bpx.load("nowhere"), "refused: MissingFileError"),
        (lambda *_: {}["a"], "wrong: KeyError: 'a'"),
        (lambda *_: bytearray(2**30), "wrong: MemoryError"),
        (lambda *_: sys.exit(3), "wrong: SystemExit: 3"),
    ],
    ids=["read", "refused", "error", "memory", "exit"],
)
def test_what_a_reader_may_do(read, told, tmp_path):
    of = formats.Format(lambda folder: [b"valid"], of_bytes, read)
    assert child.outcome(of, b"valid", tmp_path).startswith(told)


CHILD = """
import sys, time, os
from pathlib import Path
from tools.fuzz import child, formats
from tools.fuzz.changes import of_bytes
child.HANG = 0.5
def read(path, folder):
    if path.read_bytes() != b"valid":
        {what}
formats.FORMATS["x"] = formats.Format(lambda folder: [b"valid"], of_bytes, read)
child.read_all("x", 0, 0, 1, Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("os.system('true')", "0 wrong: it ran os.system"),
        ("exec('1 + 1')", "0 wrong: it ran exec"),
        ("import colorsys", "0 read"),
        ("time.sleep(60)", "Timeout"),
        ("os.abort()", "Fatal Python error: Aborted"),
    ],
)
def test_what_ends_or_runs_in_a_child(what, told, tmp_path):
    words = [sys.executable, "-c", CHILD.replace("{what}", what), str(tmp_path)]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert told in ran.stdout + ran.stderr


@pytest.mark.parametrize("change", [of_bytes, of_toml, of_safetensors()])
def test_a_file_is_changed_in_the_same_way_by_the_same_number(change):
    seed = b'a = 1\nb = "x"\n'
    if change not in (of_bytes, of_toml):
        header = json.dumps({"__metadata__": {"bpx": '{"a": [1, "b"]}'}}).encode()
        seed = len(header).to_bytes(8, "little") + header
    made = [[change(Random(i), seed, [seed]) for i in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 25


def test_a_file_can_be_kept(tmp_path):
    words = ["--formats", "safetensors", "--keep", "3", str(tmp_path / "kept")]
    subprocess.run([sys.executable, "-m", "tools.fuzz", *words], cwd=ROOT, check=True)
    assert (tmp_path / "kept").stat().st_size > 0


# What was found: the smallest file of each.


def file_of(path, **described):
    """A valid file of a network, with other descriptions."""
    bpx.Network([2, 3, 2], seed=0, backend="numpy").save(path)
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    told = {
        **json.loads(header["__metadata__"]["bpx"]),
        **described.pop("more", {}),
        **described,
    }
    return written(path, described.get("text") or json.dumps(told), header, content[end:])


def written(path, text, header, data):
    header = json.dumps({**header, "__metadata__": {"bpx": text}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


@pytest.mark.parametrize(
    "text", ["1", "[]", '"x"', "[" * 500 + "]" * 500, "[" * 20_000], ids=lambda text: text[:5]
)
def test_a_description_that_is_no_object_or_too_deep(text, tmp_path):
    path = file_of(tmp_path / "net", text=text)
    with pytest.raises(bpx.FileFormatError, match="has no spec"):
        bpx.load(path)


def test_the_builder_of_these_files_makes_valid_ones(tmp_path):
    assert bpx.load(file_of(tmp_path / "net")).sizes == (2, 3, 2)


LARGER = "describes layers that are larger than the file"


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "dropout", "width": 10**9, "rate": 0.5},
        {"kind": "dense", "n_in": 10**30, "n_out": 3, "bias": True},
        {"kind": "embedding", "n_in": 10**9, "columns": [0], "levels": [2], "dim": 1},
    ],
    ids=lambda layer: layer["kind"],
)
def test_layers_wider_than_the_file_are_refused_before_they_are_made(layer, tmp_path):
    path = file_of(tmp_path / "net", layers=[layer])
    with pytest.raises(bpx.FileFormatError, match=LARGER):
        bpx.load(path)


def test_widths_before_a_layer_of_a_user_may_be_larger_than_the_file(tmp_path):
    described = {"custom": ["narrow"], "layers": [{"kind": "dropout", "width": 9999}]}
    described["layers"] += [{"kind": "narrow", "n_in": 9999}]
    with pytest.raises(bpx.InputError, match="uses the custom part 'narrow'"):
        bpx.load(file_of(tmp_path / "net", **described))
    described["layers"] = described["layers"][:1]
    with pytest.raises(bpx.FileFormatError, match=LARGER):
        bpx.load(file_of(tmp_path / "net", **described))


def test_sizes_wider_than_the_file_are_refused_before_layers_are_made(tmp_path):
    path = file_of(tmp_path / "net", sizes=[10**9, 3, 2])
    with pytest.raises(bpx.FileFormatError, match=LARGER):
        bpx.load(path)


@pytest.mark.parametrize(
    "cost", [f"huber({'-' * 5000}1)", f"quantile({'0.5,' * 5000})", "huber(delta=9**9**9)"]
)
def test_a_cost_with_parameters_that_are_no_numbers(cost):
    with pytest.raises(bpx.InputError) as caught:
        bpx.Network([2, 1], cost=cost)
    assert len(str(caught.value)) < 1000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("click", reason="the command line is an extra")
    folder = tmp_path_factory.mktemp("run")
    formats.FORMATS["toml"].seeds(folder)
    return folder


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("samples = 3", "does not say which samples were drawn"),
        ("seed = -1", "does not say which samples were drawn"),
        ("seed = 'x'", "does not say which samples were drawn"),
        ("validation_fraction = nan", "does not say which samples were drawn"),
        ("samples = {train = '48'}", "does not say which samples were drawn"),
        ("x = " + "[" * 500 + "]" * 500, "nested more than 100 levels deep"),
    ],
)
def test_a_run_that_does_not_say_what_it_drew(line, told, run):
    from click.testing import CliRunner

    from bpx.cli.commands import cli

    path = run / "run" / "run.toml"
    before = path.read_text(encoding="utf-8")
    name = line.partition(" ")[0]
    tree = tomllib.loads(before)
    kept = [f"{key} = {tree[key]!r}" for key in ("seed", "validation_fraction", "drawn")]
    kept = [each for each in kept if not each.startswith(f"{name} ")]
    rest = [] if name == "samples" else ["[samples]", "train = 48", "validation = 12"]
    path.write_text("\n".join([line, *kept, *rest]), encoding="utf-8")
    words = ["evaluate", str(run / "run"), str(run / "table.csv"), "--split", "validation"]
    try:
        ran = CliRunner().invoke(cli, words)
    finally:
        path.write_text(before, encoding="utf-8")
    assert ran.exit_code == 1
    assert told in " ".join(ran.output.split())
