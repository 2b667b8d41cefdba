"""Tables: every cell is a number, or the message says where the one is that is not."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpx.data import read_csv
from bpx.errors import FileFormatError, InputError
from tests.data.written import table

finite32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5),
        elements=finite32,
    ),
    delimiter=st.sampled_from([",", ";", "\t", " "]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    named=st.booleans(),
)
def test_every_table_comes_back_as_it_was_written(tmp_path, values, delimiter, ending, named):
    lines = [delimiter.join(repr(float(v)) for v in row) for row in values]
    if named:
        lines.insert(0, delimiter.join(f"c{i}" for i in range(values.shape[1])))
    path = table(tmp_path, ending.join(lines))
    split = read_csv(path, target=None, delimiter=delimiter)
    assert split.y is None
    assert split.x.dtype == np.float32
    assert split.x.flags.c_contiguous
    np.testing.assert_array_equal(split.x, values)


@pytest.mark.parametrize("target", [-1, 2, "label"])
def test_the_target_is_the_last_column_an_index_or_a_name(tmp_path, target):
    split = read_csv(table(tmp_path, "a,b,label\n1.5,2,0\n3,4,9\n"), target=target)
    assert split.x.tolist() == [[1.5, 2], [3, 4]]
    assert split.y.tolist() == [0, 9]
    assert split.y.dtype == np.int32


@pytest.mark.parametrize("target", [0, -3, "a"])
def test_the_target_may_be_another_column(tmp_path, target):
    split = read_csv(table(tmp_path, "a,b,label\n1.5,2,0\n3,4,9\n"), target=target)
    assert split.x.tolist() == [[2, 0], [4, 9]]
    assert split.y.tolist() == [1.5, 3]
    assert split.y.dtype == np.float32


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["0", "1"], np.int32),
        (["1.0", "-2e0"], np.int32),
        (["2147483647", "-2147483648"], np.int32),
        (["2147483648", "0"], np.float32),
        (["0.5", "1"], np.float32),
    ],
)
def test_whole_targets_are_labels_and_others_are_not(tmp_path, cells, dtype):
    y = read_csv(table(tmp_path, "".join(f"0,{cell}\n" for cell in cells))).y
    assert y.dtype == dtype
    assert y.tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4",
        "1,2\n\n3,4\n\n",
        "\n  \n1,2\n3,4\n",
        "\ufeff1,2\r\n3,4\r\n",
        ' 1 , 2\n"3","4"\n',
        "x,y\n1,2\n3,4\n",
        '"x","y"\n1,2\n3,4\n',
        ",y\n1,2\n3,4\n",
        "+1,2.\n.3e1,4\n",
    ],
)
def test_the_ways_in_which_tables_are_written(tmp_path, text):
    split = read_csv(table(tmp_path, text))
    assert split.x.tolist() == [[1], [3]]
    assert split.y.tolist() == [2, 4]


def test_a_header_of_numbers_must_be_announced(tmp_path):
    path = table(tmp_path, "0,1,label\n5,6,7\n")
    with pytest.raises(FileFormatError, match=r"line 1, column 3: 'label'.*header=True"):
        read_csv(path)
    for options in ({"header": True}, {"target": "label"}):
        split = read_csv(path, **options)
        assert split.x.tolist() == [[5, 6]]
        assert split.y.tolist() == [7]


def test_a_first_line_with_one_bad_cell_is_not_taken_for_a_header(tmp_path):
    with pytest.raises(FileFormatError, match="line 1, column 2: 'oops'"):
        read_csv(table(tmp_path, "1,oops,3\n4,5,6\n"))


def test_header_false_reads_the_first_line_as_numbers(tmp_path):
    with pytest.raises(FileFormatError, match="line 1, column 1: 'a'"):
        read_csv(table(tmp_path, "a,b\n1,2\n"), header=False)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1, column 1"),
        ("\n \n", "line 1, column 1"),
        ("\ufeff", "line 1, column 1"),
        ("a,b\n", "line 2, column 1"),
        ("1,2\n3,four\n", "line 2, column 2: 'four'"),
        ("a,b\n\n1,2\n,3\n", "line 4, column 1: ''"),
        ("1,2\n3,4,\n", "line 2, column 3: the line has 3 columns, but the first has 2"),
        ("1,2\n3\n", "line 2, column 2: the line has 1 columns, but the first has 2"),
        ("1,2\n3,nan\n", "line 2, column 2: nan is not finite"),
        ("1,2\n-inf,3\n", "line 2, column 1: -inf is not finite"),
        ("1,2\n\n1,3e39\n", r"line 3, column 2: 3e\+39 is not finite as float32"),
        ("1,2\n1,1e999\n", "line 2, column 2: inf is not finite"),
        ("1,2\n1_0,2\n", "line 2, column 1: '1_0'"),
        ("1,2\n3,0x10\n", "line 2, column 2: '0x10'"),
        ('1,2\n"3"4,5\n', "line 2: a cell cannot be read"),
        ('1,2\n"3,4\n', "line 2: a cell cannot be read"),
        (b"1,2\n3,\xff\n", "line 2, column 2: "),
        ("1,2\n3,4\n".encode("utf-16"), "line 2, column 1: "),
        (b"1,2\n3,\x00\n", r"line 2, column 2: '\\x00'"),
        ("1;2\n3;4;\n", "line 2, column 1: '3;4;'"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_message_names_the_file_the_line_and_the_column(tmp_path, text, where, packed):
    data = text.encode() if isinstance(text, str) else text
    path = table(tmp_path, gzip.compress(data) if packed else data, "bad.csv")
    with pytest.raises(FileFormatError, match=rf"bad\.csv, {where}"):
        read_csv(path)


def test_a_long_bad_cell_is_not_printed_whole(tmp_path):
    with pytest.raises(FileFormatError) as caught:
        read_csv(table(tmp_path, "1,2\n3," + "z" * 10_000))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"target": 2},
            "target is column 2, but .* expected an index from -2 to 1",
        ),
        ({"target": -3}, "target is column -3"),
        ({"target": "z"}, "target='z' was given, but 0 columns .* expected one of 'a', 'b'"),
        ({"target": "a", "header": False}, "header is False"),
        ({"delimiter": ""}, "expected one character"),
        ({"delimiter": ", "}, "expected one character"),
        ({"delimiter": '"'}, "expected one character"),
        ({"delimiter": "\n"}, "expected one character"),
    ],
)
def test_options_that_cannot_be_used(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        read_csv(table(tmp_path, "a,b\n1,2\n"), **options)


def test_a_name_that_two_columns_have(tmp_path):
    with pytest.raises(InputError, match="but 2 columns"):
        read_csv(table(tmp_path, "a,a\n1,2\n"), target="a")


def test_one_column_cannot_be_both(tmp_path):
    path = table(tmp_path, "1\n2\n")
    with pytest.raises(InputError, match="pass target=None"):
        read_csv(path)
    assert read_csv(path, target=None).x.tolist() == [[1], [2]]


def test_a_table_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_csv(tmp_path / "missing.csv")


def test_a_truncated_gzip_is_refused(tmp_path):
    whole = gzip.compress("".join(f"{i},{i % 7}\n" for i in range(500)).encode())
    with pytest.raises(FileFormatError, match="truncated"):
        read_csv(table(tmp_path, whole[:-20]))


def large(tmp_path, cell):
    """A file that pyarrow reads at once, with one more cell at its end."""
    return table(tmp_path, "1.5,2\n" * 200_000 + f"3,{cell}\n", "large.csv")


def test_a_large_file_is_read_to_the_same_values(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="it is what reads it")
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60_000, 3)) * 10.0 ** rng.integers(-30, 30, (60_000, 3))
    lines = [",".join(map(repr, row)) for row in numbers.tolist()]
    path = table(tmp_path, "a,b,c\n" + "\n\n".join(lines), "large.csv")
    at_once = read_csv(path)
    monkeypatch.setattr("bpx.data.tables.arrow.is_there", lambda: False)
    one_by_one = read_csv(path)
    np.testing.assert_array_equal(at_once.x, one_by_one.x)
    np.testing.assert_array_equal(at_once.y, one_by_one.y)


@pytest.mark.parametrize("cell", ["0x10", "12:30", "2020-01-01", "true", "", "nan", "inf", "x"])
def test_in_a_large_file_too_every_cell_is_a_number(tmp_path, cell):
    with pytest.raises(FileFormatError, match="line 200001, column 2"):
        read_csv(large(tmp_path, cell))


def test_a_large_column_of_what_pyarrow_takes_for_numbers(tmp_path):
    for cell in ("0x10", "12:30"):
        path = table(tmp_path, f"1.5,{cell}\n" * 150_000, "large.csv")
        with pytest.raises(FileFormatError, match=r"line 1, column 2"):
            read_csv(path)
        with pytest.raises(FileFormatError, match=f"line 1, column 2: '{cell}'"):
            read_csv(path, header=False)
