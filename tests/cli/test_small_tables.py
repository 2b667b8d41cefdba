"""Small tables of every make: each trains a right network, or gets a sentence that mends it.

What a message advises is followed word by word.
"""

import re
import shlex

import numpy as np
import pytest

import bpx
from tests.cli.invoked import invoke, ok, refused, settings

pytest.importorskip("pyarrow", reason="tables with texts are read by pyarrow")

N = 120
RNG = np.random.default_rng(7)
LABEL = RNG.integers(0, 3, N)
A, B = (np.array(c)[LABEL] + RNG.normal(0, 0.15, N) for c in ([0, 1, 2], [1, 0, 1]))
NAMES = np.array(["setosa", "virginica", "versicolor"])[LABEL]
FAST = ("--epochs", "60", "--eta", "0.01", "--seed", "3", "--out", "run")


def text(header, *columns, between=",", end="\n", decimal="."):
    """A table with these cells; numbers have four digits."""

    def cell(value):
        number = isinstance(value, float)
        return f"{value:.4f}".replace(".", decimal) if number else str(value)

    columns = [[v.item() if isinstance(v, np.generic) else v for v in c] for c in columns]
    rows = [between.join(map(cell, row)) for row in zip(*columns, strict=True)]
    return end.join(([header] if header is not None else []) + rows) + end


def write(content, encoding="utf-8"):
    with open("table.csv", "w", encoding=encoding, newline="") as file:
        file.write(content)


def is_right(*more):
    """Train, and hold the network against the table."""
    said = ok("train", "table.csv", *more, *FAST)
    judged = ok("evaluate", "run", "table.csv")
    share = float(re.search(r"accuracy +([\d.]+) %", judged).group(1))
    assert share > 95, said
    return said


def advised(message, *, nth=0):
    """The options that a message says to add, as words."""
    value = r"(?: (?!if |for |or )(?:'[^']*'|[^\s,;:]+))?"
    found = re.findall(rf"(?:pass|with|or|target,) (--[a-z-]+{value})", message)
    assert found, message
    return shlex.split(found[nth])


BLOCKS = {
    "label last": text("a,b,species", A, B, NAMES),
    "label last, no header": text(None, A, B, NAMES),
    "label last, whole numbers": text("a,b,kind", A, B, LABEL),
    "label last, no header, whole numbers": text(None, A, B, LABEL),
    "semicolons": text("a;b;species", A, B, NAMES, between=";"),
    "tabs": text("a\tb\tspecies", A, B, NAMES, between="\t"),
    "decimal commas": text("a;b;species", A, B, NAMES, between=";", decimal=","),
    "byte order mark": "\ufeff" + text("a,b,species", A, B, NAMES),
    "carriage returns": text("a,b,species", A, B, NAMES, end="\r\n"),
    "quotes": text('"a","b, in m","the ""kind"""', A, B, [f'"{n}"' for n in NAMES]),
    "a comma in quotes": text("a,b,species", A, B, [f'"{n}, of Iris"' for n in NAMES]),
    "empty lines": "\n" + text("a,b,species", A, B, NAMES, end="\n\n") + "\n",
    "no last line end": text("a,b,species", A, B, NAMES)[:-1],
    "booleans": text("a,b,ok,kind", A, B, LABEL == 1, LABEL != 2),
    "text categories": text("a,colour,species", A, np.array(["red", "blue"])[LABEL % 2], NAMES),
    "dates": text(
        "since,b,species",
        np.datetime64("2020-01-01") + np.round(100 * A).astype("timedelta64[D]"),
        B,
        NAMES,
    ),
    "missing cells": text(
        "a,b,c,species", A, B, ["" if i % 9 == 0 else float(v) for i, v in enumerate(A)], NAMES
    ),
    "missing by many names": text(
        "a,b,c,species", A, B, [("NA", "?", "nan", "null", 1.5)[i % 5] for i in range(N)], NAMES
    ),
    "a target that is missing here and there": text(
        "a,b,species", A, B, ["" if i % 20 == 0 else n for i, n in enumerate(NAMES)]
    ),
    "constant column": text("a,b,site,species", A, B, ["north"] * N, NAMES),
    "labels from 1": text("a,b,kind", A, B, LABEL + 1),
    "labels as numbers with points": text("a,b,kind", A, B, LABEL.astype(float)),
    "wide": text(",".join(f"f{i}" for i in range(300)) + ",species", *[A, B] * 150, NAMES),
    "names with commas and spaces": text('"sepal, cm", petal width ,species', A, B, NAMES),
    "duplicated names": text("a,b,b,species", A, B, A, NAMES),
    "numbers of several scales": text("a,b,species", 1e6 * A, 1e-4 * B + 5.0, NAMES),
}


@pytest.mark.parametrize("content", BLOCKS.values(), ids=list(BLOCKS))
def test_a_table_is_learned_as_it_stands(content):
    write(content)
    is_right()


ADVISED = {
    "label first": (text("label,a,b", NAMES, A, B), "a column called 'label'", 0),
    "label first, no header": (text(None, NAMES, A, B), "looks like classes", 0),
    "label first, no header, whole numbers": (text(None, LABEL, A, B), "looks like classes", 0),
    "label in the middle": (text("a,class,b", A, LABEL, B), "a column called 'class'", 0),
    "text label in the middle": (text("a,species,b", A, NAMES, B), "looks like classes", 0),
    "a header of numbers": (text("0,1,2", A, B, NAMES), "the first line counts", 0),
    "index column": (text(",a,b,species", range(N), A, B, NAMES), "counts the rows", 0),
    "ids": (text("id,a,b,species", RNG.permutation(N) + 1000, A, B, NAMES), "like ids", 0),
    "a column without a name": (text("a,,species", A, B, NAMES), "has no name", 0),
    "free text": (text("a,b,note,species", A, B, [f"note {i}" for i in range(N)], NAMES),
                  "free text", 0),
    "a year in the header": (text("2019,2020,species", A, B, NAMES), "the first line", 0),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said", "nth"), ADVISED.values(), ids=list(ADVISED))
def test_what_cannot_be_meant_is_refused_and_the_advice_mends_it(content, said, nth):
    write(content)
    message = refused("train", "table.csv", *FAST)
    assert said in message
    is_right(*advised(message, nth=nth))


def test_the_last_pixel_is_not_taken_for_the_label():
    images = np.eye(9)[3 * LABEL] * 255
    write(
        text(
            None,
            LABEL,
            *(images + RNG.integers(0, 2, (N, 9)) * (np.arange(9) < 8)).T.astype(int),
        )
    )
    message = refused("train", "table.csv", *FAST)
    assert "is always 0" in message
    is_right("--target", "0")


def test_one_class_leaves_nothing_to_learn():
    write(text("a,b,species", A, B, ["setosa"] * N))
    message = refused("train", "table.csv", *FAST)
    assert "the target 'species' of table.csv is always setosa" in message
    assert "R²" in ok("train", "table.csv", *advised(message), *FAST)


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_many_whole_numbers_are_asked_about(task):
    write(text("a,b,count", A, B, np.round(40 * A).astype(int)))
    message = refused("train", "table.csv", *FAST)
    assert "different whole numbers" in message
    assert f"--task {task}" in message
    ok("train", "table.csv", "--task", task, *FAST)
    assert settings("run")["task"] == task


def test_many_texts_are_asked_about():
    write(text("a,b,town", A, B, [f"town {i % 30}" for i in range(N)]))
    message = refused("train", "table.csv", *FAST)
    assert "has 30 different texts" in message
    ok("train", "table.csv", *advised(message), *FAST)


def test_numbers_are_learned_in_their_own_units():
    write(text("a,b,price", A, B, 1000 + 300 * A - 100 * B))
    said = ok("train", "table.csv", *FAST)
    assert "price (the last column): numbers" in said
    said = ok("evaluate", "run", "table.csv")
    assert 0.99 < float(said.rpartition("R² ")[2]) <= 1.0
    answers = ok("predict", "run", "table.csv").splitlines()
    assert answers[0] == "price"
    assert 600 < float(answers[1]) < 1800


@pytest.mark.parametrize("kind", ["one line too short", "not utf-8", "header alone", "empty"])
def test_a_broken_table_is_named(kind):
    good = text("a,b,species", A, B, NAMES)
    broken = {
        "one line too short": good + "1,2\n",
        "not utf-8": good.replace("setosa", "sétosa"),
        "header alone": "a,b,species\n",
        "empty": "",
    }[kind]
    write(broken, "latin-1")
    said = {
        "one line too short": f"line {N + 2}: the line has 2 cells, but the first has 3",
        "not utf-8": "iconv",
        "header alone": "no samples",
        "empty": "is empty",
    }[kind]
    assert said in refused("train", "table.csv", *FAST)


def test_columns_in_another_order_are_put_in_order():
    write(text("a,b,species", A, B, NAMES))
    is_right()
    answered = ok("predict", "run", "table.csv")
    with open("table.csv", "w", encoding="utf-8") as file:
        file.write(text("species,b,a", NAMES, B, A))
    assert ok("predict", "run", "table.csv") == answered
    assert "accuracy" in ok("evaluate", "run", "table.csv")


def test_missing_and_unknown_columns_are_named():
    write(text("a,b,species", A, B, NAMES))
    is_right()
    write(text("a,species", A, NAMES))
    assert "lacks the column 'b'" in refused("predict", "run", "table.csv")
    write(text("a,b,c", A, B, B))
    result = invoke("predict", "run", "table.csv")
    assert result.exit_code == 0
    assert "has the column 'c', which the network does not use" in " ".join(
        result.stderr.split()
    )


@pytest.mark.parametrize("unseen", ["ignore", "refuse"])
def test_unseen_categories_are_handled_as_chosen(unseen):
    colours = np.array(["red", "blue", "green"])[LABEL]
    write(text("a,colour,species", A, colours, NAMES))
    is_right("--unseen", unseen)
    write(text("a,colour", A, ["mauve", *colours[1:]]))
    result = invoke("predict", "run", "table.csv")
    said = " ".join((result.stderr or result.output).split())
    assert "has mauve in 1 of 120 rows" in said
    assert result.exit_code == (0 if unseen == "ignore" else 1)


def test_the_run_is_repeated_by_its_command():
    write(text("id;a;b;spe,cies", range(N), A, B, NAMES, between=";", decimal=","))
    is_right("--drop", "id", "--header", "--scaling", "robust")
    command = settings("run")["command"]
    ok(*shlex.split(command)[1:], "--out", "again")
    first, second = (bpx.load(f"{run}/model.safetensors") for run in ("run", "again"))
    assert first.schema == second.schema
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)
