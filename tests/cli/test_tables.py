"""What is decided of a table, what is shown of it, and what a network for tables is given."""

import numpy as np
import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("pyarrow", reason="tables with texts are read by pyarrow")

from bpx.cli import tables
from bpx.cli.settings import Settings
from tests.cli.invoked import ok, refused, settings

ROWS = 80


@pytest.fixture
def mixed(tmp_path):
    """A table with a column of each kind; every tenth age is missing, and two targets."""
    rng = np.random.default_rng(0)
    lines = ["age,member,since,town,site,bought"]
    for i in range(ROWS):
        age = "" if i % 10 == 0 else f"{20 + 50 * rng.random():.1f}"
        town, bought = ("Bern", "Oslo", "Lyon")[i % 3], ("yes", "no")[i % 2]
        bought = "" if i in (5, 6) else bought
        lines.append(f"{age},{i % 4 == 0},2026-01-{1 + i % 28:02d},{town},north,{bought}")
    (tmp_path / "mixed.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "mixed.csv"


def decided(data, **options):
    return tables.decide(Settings(data, validation_fraction=0.25, **options), 1)


def test_what_was_decided_is_told(mixed):
    told = [" ".join(pair) for pair in decided(mixed).told()]
    assert told == [
        "table mixed.csv: 78 rows, 6 columns; commas between cells, names in the first line",
        "target bought (the last column): 2 classes: no 39, yes 39",
        "features 1 number (scaled, missing cells), 1 boolean, 1 date (scaled), "
        "1 text (one-hot): 7 inputs",
        "left out columns: site",
        "left out 2 rows without a target",
        "held out 20 rows, drawn with the seed, to validate on",
    ]
    told = dict(decided(mixed, target="age").told())
    assert told["target"].startswith("age (as --target says): numbers, learned as (y - 4")


def test_it_is_fitted_on_the_rows_that_train(mixed):
    found = decided(mixed)
    assert sorted([*found.rest, *found.held]) == list(range(78))
    ages = found.table["age"].values[found.rest]
    feature = found.schema.features[0]
    assert feature.fill == np.nanmedian(ages)
    filled = np.where(np.isnan(ages), feature.fill, ages)
    assert (feature.center, feature.scale) == pytest.approx((filled.mean(), filled.std()))
    assert found.part("train").names == found.part("validation").names
    train, held = found.parts()
    np.testing.assert_array_equal(train.x, found.schema.x(found.part("train")))
    np.testing.assert_array_equal(held.y, found.schema.y(found.part("validation")))


def test_columns_are_named_with_commas_or_as_they_are(mixed):
    table = bpx.data.read_table(mixed)
    assert tables.columns(table, ("age,town", "site")) == ["site", "age", "town"]
    assert tables.columns(table, ("all",)) == "all"
    comma = bpx.data.as_table({"a,b": [1.0], "a": [2.0]})
    assert tables.columns(comma, ("a,b",)) == ["a,b"]
    assert decided(mixed, drop=("town,member",)).schema.width == 3
    assert [f.name for f in decided(mixed, features=("age",)).schema.features] == ["age"]


def test_the_number_of_outputs_says_what_whole_numbers_are(tmp_path):
    lines = [f"{i / 7:.3f},{i % 9}" for i in range(60)]
    (tmp_path / "t.csv").write_text("a,n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert decided("t.csv", layers=(1, 5, 1)).task == "numbers"
    assert decided("t.csv", layers=(1, 5, 9)).task == "classes"
    with pytest.raises(bpx.InputError, match="9 different whole numbers"):
        decided("t.csv")


def test_a_reader_of_the_callers_own_goes_first(monkeypatch, mixed):
    assert tables.is_read_as_table(mixed)
    assert tables.is_read_as_table("x.CSV.gz")
    assert not tables.is_read_as_table("digits")
    monkeypatch.setitem(bpx.data.READERS, ".csv", bpx.data.Reader(lambda path: (None, None)))
    assert not tables.is_read_as_table(mixed)


def test_a_target_that_is_missing_everywhere(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,\n2,\n", encoding="utf-8")
    assert "missing in every row" in refused("train", "t.csv")


def test_a_network_of_a_table_takes_tables_alone(mixed):
    ok("train", mixed, "--epochs", 2, "--out", "run")
    np.savez("x.npz", x=np.ones((4, 7)), y=np.arange(4) % 2)
    said = refused("evaluate", "run", "x.npz")
    assert "x.npz is not a table, but the network was trained on a table" in said


def test_rows_without_a_target_are_predicted_and_not_judged(mixed):
    ok("train", mixed, "--epochs", 2, "--seed", 4, "--out", "run")
    assert "mixed.csv: 78 samples" in ok("evaluate", "run", mixed)
    assert len(ok("predict", "run", mixed).splitlines()) == 1 + ROWS
    held = ok("evaluate", "run", mixed, "--split", "validation")
    assert f"{settings('run')['samples']['validation']} validation samples" in held


def test_the_error_is_in_the_targets_units(mixed):
    ok("train", mixed, "--target", "age", "--drop", "bought", "--epochs", 2, "--out", "run")
    network = bpx.load("run/model.safetensors")
    table = tables.with_target(bpx.data.read_table(mixed), network.schema)
    off = network.predict(table)[:, 0] - table["age"].values
    expected = f"rms error {np.sqrt(np.mean(off**2)):.4g}, R² "
    assert expected in ok("evaluate", "run", mixed)
    assert tables.error(network, None) is None


def test_options_for_tables_are_refused_elsewhere(blobs):
    assert "--task classes was given" in refused("train", "blobs.npz", "--task", "classes")
    said = refused("train", "digits", "--drop", "0")
    assert "--drop 0 was given, which is for tables, but digits is not one" in said


def test_the_first_feature_is_not_taken_for_a_target_that_is_not_there(tmp_path):
    """A table without names and without its target: what is missing is no target."""
    lines = [f"{'low' if i < 20 else 'high'},{i / 7:.3f},{i % 5}.5" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ok("train", "t.csv", "--target", 0, "--epochs", 2, "--out", "run")
    rest = [line.partition(",")[2] for line in lines]
    rest[3] = "," + rest[3].partition(",")[2]
    (tmp_path / "x.csv").write_text("\n".join(rest) + "\n", encoding="utf-8")
    schema = bpx.load("run/model.safetensors").schema
    table = bpx.data.read_table("x.csv", header=False)
    assert len(tables.with_target(table, schema)) == 40
