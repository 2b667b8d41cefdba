"""Where data sets are looked for, and in which order."""

import pytest

from bpx.data import load
from bpx.errors import InputError
from tests.data.tiny import assert_tiny, contents, fill, left_in, packed, source


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("inside", [".", "tiny"])
@pytest.mark.parametrize("by", ["folder", "BPX_DATA"])
def test_files_are_found_in_a_folder_or_below_it(tmp_path, monkeypatch, suffix, inside, by):
    fill(tmp_path / "data" / inside, packed() if suffix else contents(), suffix)
    options = {"folder": tmp_path / "data"}
    if by == "BPX_DATA":
        monkeypatch.setenv("BPX_DATA", str(tmp_path / "data"))
        options = {}
    assert_tiny(load("tiny", table={"tiny": source()}, **options))
    assert left_in(tmp_path / "cache") is None


def test_the_subfolder_goes_before_files_of_the_same_names(tmp_path):
    fill(tmp_path, contents(first_label=1))
    fill(tmp_path / "tiny", contents())
    assert_tiny(load("tiny", folder=tmp_path, table={"tiny": source()}))


def test_a_given_folder_goes_before_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("BPX_DATA", str(fill(tmp_path / "a", contents(first_label=1))))
    folder = fill(tmp_path / "b", contents())
    assert_tiny(load("tiny", folder=folder, table={"tiny": source()}))


def test_an_empty_variable_is_unset(tmp_path, monkeypatch, site):
    for name in ("BPX_DATA", "BPX_MIRROR"):
        monkeypatch.setenv(name, "")
    site.serve("", packed())
    assert_tiny(load("tiny", table={"tiny": source([site.url])}))


def test_a_folder_that_does_not_exist(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"folder is .*none'.*not a folder"):
        load("mnist", folder=tmp_path / "none")
    monkeypatch.setenv("BPX_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"BPX_DATA is .*none'.*not a folder"):
        load("mnist")
