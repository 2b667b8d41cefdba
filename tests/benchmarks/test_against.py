"""The present code against an earlier commit's: the parts of the comparison, and all of it."""

import ast
import json
import subprocess
import sys
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

import bpx
from benchmarks.against import command, engines, pairs, process, programs, speed, trees, weights
from benchmarks.against.bits import distance, identical
from benchmarks.against.children import rows
from benchmarks.against.comparison import Side, compare, read
from benchmarks.against.pairs import Paired, in_pairs
from benchmarks.against.programs import Listed

CHILDREN = sorted(process.SCRIPTS.glob("*.py"))


def floats(*numbers, dtype="float32"):
    return np.array(numbers, dtype)


# Arrays


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (floats(1.0), floats(np.nextafter(np.float32(1.0), np.float32(2.0)))),
        (floats(0.0), floats(-0.0)),
        (floats(1.0), floats(1.0, dtype="float64")),
        (floats(1.0, 2.0), floats(1.0, 2.0).reshape(1, 2)),
    ],
)
def test_arrays_that_differ_in_a_bit_the_dtype_or_the_shape_are_not_identical(old, new):
    assert identical(old, old.copy())
    assert not identical(old, new)


def test_not_a_number_is_identical_to_itself():
    assert identical(floats(nan), floats(nan))


def test_arrays_are_compared_in_any_order_of_their_elements():
    x = np.arange(6.0).reshape(2, 3)
    assert identical(x, np.asfortranarray(x))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (floats(3.0, 4.0), floats(3.0, 4.0), 0.0),
        (floats(3.0, 4.0), floats(3.0, 4.5), 0.1),
        (floats(0.0), floats(-0.0), 0.0),
        (floats(0.0), floats(1.0), inf),
        (floats(1.0), floats(nan), inf),
        (floats(1.0), floats(inf), inf),
        (floats(1.0), floats(1.0, 1.0), inf),
        (floats(1.0), floats(1.0, dtype="float64"), inf),
        (floats(3e38, 3e38), floats(3e38, 3e38), 0.0),
    ],
)
def test_the_distance_is_relative_and_infinite_where_it_is_no_number(old, new, expected):
    assert distance(old, new) == pytest.approx(expected)


# Trainings


def side(array, *, exact=True, failed=None, dtype="float32", name="g: a, sgd"):
    key = f"{name} | {dtype} | compiled"
    arrays = {} if failed else {key: {"w1": np.asarray(array, dtype)}}
    return Side({key: {"exact": exact, "failed": failed}}, arrays)


def only(old, new):
    (found,) = compare("numpy", old, new)
    return found


@pytest.mark.parametrize(
    ("off", "dtype", "exact", "met"),
    [
        (0.0, "float32", True, True),
        (1e-7, "float32", True, False),
        (5e-7, "float32", False, True),
        (2e-6, "float32", False, False),
        (5e-14, "float64", False, True),
        (2e-13, "float64", False, False),
        (1e-15, "float64", True, False),
        (nan, "float64", False, False),
    ],
)
def test_plain_rules_are_asked_for_the_same_bits_and_others_for_little_distance(
    off, dtype, exact, met
):
    how = {"exact": exact, "dtype": dtype}
    found = only(side([1.0], **how), side([1.0 + off], **how))
    assert (found.met, found.same, found.why) == (met, off == 0.0, "")


@pytest.mark.parametrize(
    ("old", "new", "why", "met"),
    [
        (Side({}, {}), side([1.0]), "only new", True),
        (side([1.0]), Side({}, {}), "only old", False),
        (side([1.0]), side([1.0], failed="E: no"), "fails: E: no", False),
        (side([1.0], failed="E: so"), side([1.0], failed="E: no"), "fails: E: no", False),
        (side([1.0], failed="E: no"), side([1.0], failed="E: no"), "fails: E: no", True),
        (side([1.0], failed="E: no"), side([1.0]), "failed before: E: no", True),
    ],
)
def test_what_one_side_lacks_is_told_and_only_a_loss_is_held_against_it(old, new, why, met):
    found = only(old, new)
    assert (found.distance, found.why, found.met) == (None, why, met)


def test_an_array_more_is_not_the_same():
    old, new = side([1.0], exact=False), side([1.0], exact=False)
    next(iter(new.arrays.values()))["B1"] = floats(1.0)
    found = only(old, new)
    assert (found.distance, found.met) == (inf, False)


def test_a_side_is_read_as_it_was_written(tmp_path):
    written = side([1.0, 2.0])
    (key,) = written.about
    arrays = {f"{key} | w1": written.arrays[key]["w1"]}
    np.savez(tmp_path / "s.npz", about=np.array(json.dumps(written.about)), **arrays)
    back = read(tmp_path / "s.npz")
    assert back.about == written.about
    assert identical(back.arrays[key]["w1"], written.arrays[key]["w1"])


def test_what_breaks_a_bound_is_named_and_the_table_counts():
    found = [
        only(side([1.0]), side([1.5])),
        only(side([1.0], dtype="float64"), side([1.0], dtype="float64")),
    ]
    (complaint,) = weights.broken(found)
    assert complaint == (
        "numpy, g: a, sgd | float32 | compiled: 0.5 apart, required: the same bits"
    )
    assert "| numpy | g | 2 | 1 | 0.5 | 0 | 0 | no |" in weights.show(found)
    json.dumps(weights.numbers(found))


def test_it_is_a_complaint_that_nothing_could_be_compared():
    failing = side([1.0], failed="E: no")
    found = [only(failing, failing)]
    assert weights.broken(found) == ["numpy: nothing could be compared: fails: E: no"]
    assert "not compared: fails: E: no" in weights.show(found)


# Rows


def test_every_row_has_a_name_of_its_own_and_every_part_is_in_one():
    found = list(rows.rows())
    assert len({str(row) for row in found}) == len(found)
    for group, known in (
        ("hidden", bpx.activations.ACTIVATIONS),
        ("feedback", bpx.feedback.FEEDBACKS),
        ("initial weights", bpx.initializers.INITIALIZERS),
    ):
        assert {row.name for row in found if row.group == group} == set(known)
    costs = {row.name.split(" of ")[0] for row in found if row.group == "output"}
    assert costs == set(bpx.costs.COSTS)
    assert {row.rule for row in found if row.group == "optimizer"} == set(rows.RULES)


def test_only_plain_rules_without_a_penalty_are_exact():
    exact = {(row.rule, bool(row.lmbda)) for row in rows.rows() if row.exact}
    assert exact == {("sgd", False), ("momentum", False)}


def test_a_slow_engine_trains_every_row():
    for row in rows.rows():
        how = [(d, m) for d in ("float32", "float64") for m in ("compiled", "eager")]
        assert any(row.taken(*each) for each in how), str(row)


@pytest.mark.parametrize("path", CHILDREN, ids=lambda path: path.name)
def test_the_children_use_nothing_that_can_move(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = {*sys.stdlib_module_names, "numpy", "bpx", *(each.stem for each in CHILDREN)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module in known - {"bpx"} | {"importlib.util", "collections.abc"}
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= known
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "bpx":
            assert node.attr in bpx.__all__


# Programs


def listed(text="a", operations=3, flops=10, size=20):
    return {"text": text, "operations": operations, "flops": flops, "bytes": size, "counts": {}}


@pytest.mark.parametrize(
    ("new", "more"),
    [
        (listed(), []),
        (listed(operations=2, flops=9, size=19), []),
        (listed(operations=4), ["operations"]),
        (listed(flops=11, size=21), ["flops", "bytes"]),
    ],
)
def test_a_program_may_do_less_and_not_more(new, more):
    found = Listed("S", listed(), new)
    assert found.more == more
    assert programs.broken([found]) == [f"S: more {', '.join(more)}"] * bool(more)
    assert "| S | identical |" in programs.show([found])


def test_the_lines_that_differ_are_shown():
    found = Listed("S", listed("x\na"), listed("x\nb", operations=2))
    shown = programs.show([found])
    assert "| S | differs | 3 → 2 | 10 | 20 | yes |" in shown
    assert "--- old\n+++ new\n" in shown
    assert "\n-a\n+b\n" in shown


# Speed


def test_pairs_take_turns_in_beginning():
    told = []
    found = in_pairs(lambda name: told.append(name) or float(len(told)), range(1, 4))
    assert told == ["new", "old", "old", "new", "new", "old"]
    assert found == {"old": [2.0, 3.0, 6.0], "new": [1.0, 4.0, 5.0]}


@pytest.mark.parametrize(("new", "met"), [(1.0, True), (1.02, True), (1.04, False)])
def test_the_upper_end_of_the_interval_is_what_is_asked(new, met):
    found = Paired("numpy", "S", [1.0] * 5, [new] * 5, 1.03)
    assert found.met == met
    complaint = f"numpy, S: up to {new:.3f} times as long"
    assert speed.broken([found]) == [complaint] * (not met)
    assert f"| {new:.3f} [{new:.3f}, {new:.3f}] | 1.03 | {'yes' if met else 'no'} |" in (
        speed.show([found])
    )
    json.dumps(speed.numbers([found]))


def test_nothing_is_asked_of_the_import():
    found = Paired("python", "import bpx", [1.0], [9.0], None)
    assert found.met
    assert speed.show([found]).endswith("9.000 [9.000, 9.000] |  |  |")


def test_epochs_are_added_until_they_fill_the_window():
    told = []
    assert speed._lasting(lambda epochs: told.append(epochs) or 0.001 * epochs) == 330
    assert told == [1, 330]
    assert speed._lasting(lambda epochs: 1.0) == 1


def test_both_sides_are_started_anew_after_some_pairs(monkeypatch):
    alive, asked = [], []

    class Stand:
        def __init__(self, script, root, job, *_):
            alive.append((script, root, job["case"]))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def ask(self, epochs):
            asked.append(epochs)
            return 0.5

    monkeypatch.setattr(speed, "Worker", Stand)
    found = speed._trained("numpy", "S", {"old": "a", "new": "b"}, 7)
    assert alive == [("speed", "a", "S"), ("speed", "b", "S")] * 3
    assert (len(found.old), len(found.new), len(asked)) == (7, 7, 2 * 7 + 1)


# Children, and the command


def test_a_child_gets_one_thread_and_no_wishes_from_outside(monkeypatch):
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "BPX_BACKEND", "BPX_DTYPE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    given = engines.environment(trees.HERE, {"BPX_NUMBA": "on"})
    assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "BPX_BACKEND", "BPX_DTYPE"} & set(
        given
    )
    assert (given["OMP_NUM_THREADS"], given["BPX_NUMBA"]) == ("1", "on")
    assert str(trees.HERE) in given["PYTHONPATH"]


def test_a_child_refuses_a_bpx_that_is_not_the_trees(tmp_path):
    with pytest.raises(process.ChildError, match=r"programs.py: bpx would be "):
        process.run("programs", tmp_path)


def test_a_worker_that_ends_says_why(tmp_path):
    job = {"backend": "numpy", "case": "S"}
    said = pytest.raises(process.ChildError, match=r"speed.py: bpx would be ")
    with process.Worker("speed", tmp_path, job, {}, None) as worker, said:
        worker.ask(1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "required: commit"),
        (["HEAD", "--only", "weights,colour"], "no colour; known: weights, programs, speed"),
        (["HEAD", "--backends", "abacus"], "no abacus; known: numpy, numba, torch, jax"),
        (["HEAD", "--backends", "jax"], "--backends jax: not installed"),
        (["HEAD", "--pairs", "0"], "at least 1"),
        (["HEAD", "--out", "nowhere/at/all.json"], "there is no such folder"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(words, told, capsys, monkeypatch):
    monkeypatch.setattr(command, "available", lambda: ["numpy"])
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_without_git_that_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit):
        command.main(["HEAD"])
    assert "git cannot be run" in capsys.readouterr().err


@pytest.fixture
def history():
    """A repository, of which HEAD has bpx."""
    asked = ["git", "cat-file", "-e", "HEAD:./bpx/__init__.py"]
    try:
        there = subprocess.run(asked, cwd=trees.HERE, capture_output=True).returncode == 0
    except OSError:
        pytest.skip("git is not installed")
    if not there:
        pytest.skip("there is no repository with a history here")


def test_a_commit_that_is_not_there_is_named(history, capsys):
    with pytest.raises(SystemExit):
        command.main(["no-such-branch"])
    assert "git rev-parse, no-such-branch: no such commit" in capsys.readouterr().err


def test_a_commit_against_itself_is_the_same_in_every_bit(
    history, monkeypatch, capsys, tmp_path
):
    out = tmp_path / "found.json"
    words = ["HEAD", "--only", "weights,programs", "--backends", "numpy"]
    with trees.worktree("HEAD") as head, monkeypatch.context() as patch:
        patch.setattr(trees, "HERE", head)  # what is not committed is not compared
        assert command.main([*words, "--rows", "optimizer*", "--out", str(out)]) == 0
    assert not head.exists()
    printed, found = capsys.readouterr().out, json.loads(out.read_text(encoding="utf-8"))
    assert printed.count("Everything is as required.") == 2
    assert len(found["weights"]) == 32
    assert all(each["same"] for each in found["weights"])
    assert [each["name"] for each in found["programs"]] == [
        *("S", "S with momentum", "M", "M with lmbda"),
    ]


def test_a_complaint_is_the_exit_code(history, monkeypatch, capsys):
    monkeypatch.setattr(programs, "broken", lambda found: ["S: more bytes"])
    monkeypatch.setattr(programs, "measure", lambda roots: [])
    assert command.main(["HEAD", "--only", "programs"]) == 1
    assert "- S: more bytes" in capsys.readouterr().out


def test_a_pattern_that_fits_no_row_is_refused():
    if Path(bpx.__file__).resolve().parents[1] != trees.HERE:
        pytest.skip("this is no checkout")
    roots = dict.fromkeys(trees.SIDES, trees.HERE)
    with pytest.raises(process.ChildError, match="no row has a name like 'colour"):
        weights.measure("numpy", roots, "colour*")


def test_the_seconds_of_all_sides_are_kept():
    found = pairs.as_dict(Paired("numpy", "S", [1.0, 2.0], [1.5, 2.0], 1.03))
    assert (found["old"], found["new"], found["ratio"]) == ([1.0, 2.0], [1.5, 2.0], 1.25)
