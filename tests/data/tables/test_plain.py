"""Numbers are read without pyarrow, to the same values."""

import numpy as np
import pytest

import bpx
from bpx.data.tables import arrow


def test_the_same_values(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="it is what is compared with")
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,5;-2\n+3e-3;4\n", encoding="utf-8")
    with_arrow = bpx.data.read_table(path)
    monkeypatch.setattr(arrow, "is_there", lambda: False)
    without = bpx.data.read_table(path)
    for one, other in zip(with_arrow.columns, without.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.name, one.whole) == (other.name, other.whole)


def test_texts_name_the_command_that_installs_what_reads_them(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "is_there", lambda: False)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n", encoding="utf-8")
    with pytest.raises(bpx.InputError, match="pip install pyarrow narwhals"):
        bpx.data.read_table(path)
