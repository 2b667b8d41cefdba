"""Tables beside scikit-learn: each way learns the same rows and is judged by the others."""

import json

import pytest

pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from benchmarks import tables


def test_every_way_is_judged_in_pairs(capsys, tmp_path):
    out = tmp_path / "scores.json"
    words = ["--tables", "iris", "--repeats", "1", "--folds", "2", "--out", str(out)]
    tables.main(words)
    printed = capsys.readouterr().out
    assert "| iris | bpx train, all rows |" in printed
    found = {each["way"]: each for each in json.loads(out.read_text())["scores"]}
    assert found["scikit-learn"]["difference"] == 0.0
    assert all(each["mean"] > 0.8 for each in found.values())
    ours = found["bpx train"]
    assert ours["difference"] == pytest.approx(ours["mean"] - found["scikit-learn"]["mean"])


def test_the_mixed_table_has_every_kind_and_missing_cells():
    frame = tables.mixed(100)
    assert frame.isna().any().tolist() == [True, True, True, False, False, False, False]
    assert set(frame["bought"]) == {"yes", "no"}
    assert frame.equals(tables.mixed(100))
