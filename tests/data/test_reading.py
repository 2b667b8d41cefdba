"""One door for files of every kind: which reader, and which options it takes."""

import gzip
import math

import numpy as np
import pytest

from bpx.data import READERS, Reader, read
from bpx.errors import FileFormatError, InputError, at_the_prompt
from tests.data.written import idx_bytes, npy_bytes, table, write


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "a.idx3-ubyte.gz", "a.idx"])
def test_read_takes_idx_of_any_name_and_makes_rows(tmp_path, name):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    split = read(write(tmp_path / name, idx_bytes(images)))
    assert split.y is None
    assert split.x.dtype == np.float32
    assert split.x.tolist() == images.reshape(2, 12).tolist()


@pytest.mark.parametrize("shape", [(5,), (0, 3), (0,)])
def test_read_makes_rows_of_odd_shapes(tmp_path, shape):
    split = read(write(tmp_path / "a.idx", idx_bytes(np.zeros(shape, np.float32))))
    assert split.x.shape == (shape[0], math.prod(shape[1:]))


def test_read_refuses_a_single_number(tmp_path):
    with pytest.raises(FileFormatError, match="single number"):
        read(write(tmp_path / "a.idx", idx_bytes(np.array(1, np.int32))))


def test_read_refuses_a_kind_that_it_does_not_know(tmp_path):
    with pytest.raises(InputError, match=r"'\.parquet'.*\.csv, \.tsv, \.npy, \.npz or an IDX"):
        read(write(tmp_path / "a.parquet", b"PAR1PAR1"))


@pytest.mark.parametrize(
    "options", [{"inputs": "x"}, {"target": "y"}, {"delimiter": ";"}, {"header": True}]
)
def test_read_refuses_options_of_tables_for_idx(tmp_path, options):
    path = write(tmp_path / "a.idx", idx_bytes(np.zeros((2, 2), np.uint8)))
    with pytest.raises(InputError, match="does not apply to files of this kind"):
        read(path, **options)


def test_an_npz_has_no_columns(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), y=np.array([4, 5]))
    with pytest.raises(InputError, match="target=0 was given"):
        read(tmp_path / "a.npz", target=0)


@pytest.mark.parametrize("name", ["a.npy", "A.NPY", "a.npy.gz"])
def test_read_takes_an_npy_as_samples(tmp_path, name):
    array = np.arange(12, dtype=np.int16).reshape(3, 2, 2)
    content = npy_bytes(array)
    split = read(write(tmp_path / name, gzip.compress(content) if "gz" in name else content))
    assert split.y is None
    assert split.x.dtype == np.float32
    assert split.x.tolist() == array.reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("name", "text"),
    [("t.csv", "1,2\n3,4\n"), ("t.tsv", "1\t2\n3\t4\n"), ("T.CSV.GZ", "1,2\n3,4\n")],
)
def test_read_knows_the_delimiter_by_the_suffix(tmp_path, name, text):
    data = gzip.compress(text.encode()) if name.endswith("GZ") else text
    split = read(table(tmp_path, data, name))
    assert split.x.tolist() == [[1], [3]]
    assert split.y.tolist() == [2, 4]


def test_read_passes_the_options_on(tmp_path):
    path = table(tmp_path, "a;b\n1;2\n3;4\n")
    assert read(path, target="a", delimiter=";").y.tolist() == [1, 3]
    assert read(path, target=None, delimiter=";", header=True).x.tolist() == [[1, 2], [3, 4]]


def toy(path):
    """The class, and the numbers, of each line."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return [[float(v) for v in row[1:]] for row in rows], [int(row[0]) for row in rows]


def test_a_new_kind_of_file_is_one_entry(tmp_path, monkeypatch):
    monkeypatch.setitem(READERS, ".toy", Reader(toy))
    path = write(tmp_path / "a.toy", b"1 2 3\n0 4 5\n")
    split = read(path)
    assert split.x.dtype == np.float32
    assert split.x.tolist() == [[2, 3], [4, 5]]
    assert split.y.dtype == np.int32
    assert split.y.tolist() == [1, 0]
    assert read(path, target=None).y is None
    with pytest.raises(InputError, match="target='y' was given"):
        read(path, target="y")
    with pytest.raises(InputError, match=r"\.npz, \.toy or an IDX"):
        read(write(tmp_path / "a.parquet", b"PAR1PAR1"))


def test_options_are_refused_in_the_words_of_the_table(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), y=np.array([4, 5]))
    with pytest.raises(InputError, match=r"header=True .* a \.csv or \.tsv file"):
        read(tmp_path / "a.npz", header=True)
    with pytest.raises(InputError, match=r"inputs='a' .* a \.npz file"):
        read(table(tmp_path, "a,b\n1,2\n"), inputs="a")
    with (
        at_the_prompt({}),
        pytest.raises(InputError, match=r"--inputs a was given.* a \.npz file"),
    ):
        read(table(tmp_path, "a,b\n1,2\n"), inputs="a")
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"target='y' .* a \.csv, \.tsv or \.npz file"):
        read(tmp_path / "a.npy", target="y")
