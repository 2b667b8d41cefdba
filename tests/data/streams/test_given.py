"""What the arguments of `bpx.data.stream` are: which source, and which column of weights."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.given import source_of
from bpx.data.streams.npy import NpyRows
from bpx.data.streams.sources import Chunks, Sliced


def test_paths_and_arrays_are_sliced(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    source, weight = source_of(str(tmp_path / "x.npy"), [0, 1, 2], None)
    assert isinstance(source, Sliced)
    assert isinstance(source.x, NpyRows)
    assert source.y.tolist() == [0, 1, 2]
    assert source.s is weight is None
    assert source.label == repr(str(tmp_path / "x.npy"))
    assert source_of(np.zeros((3, 2)), None, np.ones(3))[0].s.tolist() == [1.0] * 3


def test_iterables_and_functions_are_chunks():
    for given in ([], lambda: []):
        source, weight = source_of(given, None, "w")
        assert isinstance(source, Chunks)
        assert list(source.begin()) == []
        assert weight == "w"


def test_paths_of_other_files_are_tables(tmp_path):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    with pytest.raises(bpx.MissingFileError, match=r"t\.parquet does not exist"):
        source_of([tmp_path / "t.parquet"], None, None)
