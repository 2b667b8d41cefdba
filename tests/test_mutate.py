"""Mutations: which are found in a source, which are drawn, and whether tests notice them."""

import ast
from pathlib import Path

import pytest

from tools.mutate import draw, main
from tools.mutations import diff, find_mutations, mutated

ROOT = Path(__file__).parents[1]


def changed(source):
    return [mutated(source, each) for each in find_mutations(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a <= b"]),
        ("a <= b", ["a < b"]),
        ("a > b", ["a >= b"]),
        ("a >= b", ["a > b"]),
        ("a == b != c", ["a != b != c", "a == b == c"]),
        ("a is b", ["a is not b"]),
        ("a is  not b", ["a is b"]),
        ("(a) in (b)", ["(a) not in (b)"]),
        ("a not in b", ["a in b"]),
        ("x[7]", ["x[(7 - 1)]", "x[8]"]),
        ("a + b - c", ["a - b - c", "a + b + c"]),
        ("a * b / c", ["a / b / c", "a * b * c"]),
        ("a // b % c", ["a / b % c", "a // b * c"]),
        ("a**b @ c", ["a*b @ c", "a**b * c"]),
        ("a += b", ["a -= b"]),
        ("a and b and c", ["a or b and c", "a and b or c"]),
        ("a or b", ["a and b"]),
        ("not a", ["a"]),
        ("if a: f()", ["if (not (a)): f()"]),
        ("a if b else c", ["a if (not (b)) else c"]),
        ("all(a)", ["any(a)"]),
        ("xp.any(a)", ["xp.all(a)"]),
        ("min(a, max(b))", ["max(a, max(b))", "min(a, min(b))"]),
        ("xp.maximum(a)", ["xp.minimum(a)"]),
        ("x = True", ["x = False"]),
        ("x = False", ["x = True"]),
        ("def f(a, b=None, *, c=None): g()",
         ["def f(a, b=0, *, c=None): g()", "def f(a, b=None, *, c=0): g()"]),
        ("f(a, b=c, d=e)", ["f(a, d=e)", "f(a, b=c, )"]),
        ("raise E(a)", ["pass"]),
    ],
)  # fmt: skip
def test_what_is_changed(source, expected):
    assert changed(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "a | b",
        "x: f[1] = y",
        "def f(a: g[1]) -> g[2]: return a",
        "class A(f(x=1)): ...",
        "f'{a + 1}'",
        "'a < 1'  # a < 1",
        "f(**a)",
        "x = None",
        "x = 1.5",
    ],
)
def test_what_is_left_alone(source):
    assert changed(source) == []


def test_places_are_found_behind_letters_of_several_bytes():
    assert changed("σ = 'δ∂'; β <\\\n  ζ") == ["σ = 'δ∂'; β <=\\\n  ζ"]


def test_a_mutation_is_shown_as_a_diff():
    source = "a = 0.5\n\nb = 2.5\nc = b < a\n\n\nd = a\n"
    (change,) = find_mutations(source)
    assert diff("x.py", source, change).splitlines() == [
        "--- x.py", "+++ x.py", "@@ -2,5 +2,5 @@", " ", " b = 2.5",
        "-c = b < a", "+c = b <= a", " ", " ",
    ]  # fmt: skip


@pytest.mark.parametrize("file", ["bpx/optim/chain.py", "bpx/training/course.py"])
def test_every_mutation_of_a_real_file_is_another_program(file):
    source = (ROOT / file).read_text(encoding="utf-8")
    programs = [ast.dump(ast.parse(each)) for each in (source, *changed(source))]
    assert len(programs) > 20
    assert len(set(programs)) == len(programs)


# A small tree: of its three functions, the tests hold one at the end of its range.

SOURCE = """\
def positive(x):
    return x > 0.0


def small(x):
    return x < 9.0


def halved(x):
    while x >= 1.5:
        x /= 2.5
    return x
"""
TESTS = """\
from bpx.toy import halved, positive, small

def test_positive():
    assert positive(1.0) and not positive(0.0)

def test_small():
    assert small(1.0)

def test_halved():
    assert halved(2.0) == 0.8
"""
MORE = "from bpx.toy import small\n\ndef test_small():\n    assert not small(9.0)\n"
LIVED = "-    return x < 9.0\n+    return x <= 9.0\n"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.mutate.SLACK", 1.0)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take a second to load
    files = {
        "bpx/__init__.py": "EMPTY = 0 < 1",
        "bpx/toy.py": SOURCE,
        "tests/test_toy.py": TESTS,
        "tests/test_more.py": MORE,
        "tests/test_wrong.py": "def test(): assert False\n",
        "pytest.ini": "[pytest]\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_the_tests_do_not_notice_is_printed(toy, capsys):
    assert main(["--root", str(toy), "--jobs", "2"]) == 0
    printed = capsys.readouterr().out
    assert LIVED in printed
    assert printed.count("--- bpx/toy.py") == 2  # x >= 1.5 is never tried at its end
    assert printed.endswith("\n2 of 4 mutations caught\n")  # one of them runs for ever
    assert (toy / "bpx/toy.py").read_text(encoding="utf-8") == SOURCE


def test_the_given_tests_run_after_a_files_own(toy, capsys):
    assert main(["--root", str(toy), "--tests", "tests/test_more.py"]) == 0
    printed = capsys.readouterr().out
    assert LIVED not in printed
    assert printed.endswith("\n3 of 4 mutations caught\n")


def test_tests_that_fail_without_a_mutation_are_named(toy, capsys):
    assert main(["--root", str(toy), "--tests", "tests/test_wrong.py"]) == 1
    assert "tests/test_wrong.py fails without a mutation" in capsys.readouterr().err


def test_a_path_that_is_not_there_is_refused(toy, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["--root", str(toy), "--files", "bpx/typo.py"])
    assert refused.value.code == 2
    assert "bpx/typo.py: not there" in capsys.readouterr().err


def test_the_seed_decides_what_is_drawn():
    drawn, again, other = (draw(ROOT, ["bpx/optim"], 9, seed) for seed in (1, 1, 2))
    assert len(drawn) == 9
    assert drawn == again != other
    assert all(each.file.startswith("bpx/optim/") for each in drawn)


def test_files_that_only_gather_names_are_not_drawn_from(toy):
    assert {each.file for each in draw(toy, ["bpx"], 99, 0)} == {"bpx/toy.py"}
