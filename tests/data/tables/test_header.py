"""Whether the first line is names: found, or asked for."""

import pytest

import bpx
from bpx.data.tables.header import is_header


def cells(text):
    return [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("a,b\nx,1\n", True),
        ("red,x\nblue,y\nred,x\n", False),
        ("day,what\n2020-01-01,x\n2020-01-02,y\n", True),
        ("2020-01-01,x\n2020-01-02,y\n2020-01-03,z\n", False),  # dates over dates
        ("2020-01-01,2020-01-02\n1.5,2\n3,4\n", True),  # dates over numbers
        ("0,1\n1,0\n1,1\n", False),  # may well be samples
        ("Ann,1.5\nBo,2.5\n", False),
        ("1990,1995\n1,2\n3,4\n", False),
    ],
)
def test_what_is_plain_is_found(text, expected):
    assert is_header(cells(text), ".", "t") is expected


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2\n5,6,7\n",
        "0,1\n0.5,0.3\n0.2,0.1\n",
        ",0,1\n0,5,6\n1,7,8\n",
        "country,1990,1995\nFR,1.5,2.5\nDE,2.5,3.5\n",
        "1,label\n2,3\n",
    ],
)
def test_what_may_be_either_is_asked_about(text):
    with pytest.raises(bpx.InputError, match=r"header=True .* header=False"):
        is_header(cells(text), ".", "t")
