"""Data sets by name: what their files must hold, and which mirror they come from."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpx.data import load
from bpx.data.catalogue import FILES, SOURCES
from bpx.errors import FileFormatError, InputError
from tests.data.tiny import assert_tiny, contents, fill, idx_bytes, packed, source

# --- files in a folder ---


def test_files_in_a_folder_need_not_be_packed_as_the_downloads_are(tmp_path):
    again = [gzip.compress(data, 1, mtime=1) for data in contents()]
    assert again != packed()
    folder = fill(tmp_path / "data", again, ".gz")
    assert_tiny(load("tiny", folder=str(folder), table={"tiny": source()}))


def test_a_given_folder_without_a_file_is_named_and_nothing_is_downloaded(tmp_path, site):
    site.serve("", packed())
    folder = fill(tmp_path / "data", contents())
    (folder / FILES[2]).unlink()
    with pytest.raises(InputError) as caught:
        load("tiny", folder=folder, table={"tiny": source([site.url])})
    assert str(folder) in str(caught.value)
    assert all(name in str(caught.value) for name in FILES)
    assert site.asked == []


def test_files_of_another_data_set_with_the_same_names_are_refused(tmp_path):
    folder = fill(tmp_path / "data", contents(first_label=3))
    with pytest.raises(FileFormatError, match=r"labels \(3, 4\); expected \(5, 6\).*of 'tiny'"):
        load("tiny", folder=folder, table={"tiny": source()})


@pytest.mark.parametrize(
    ("which", "array", "message"),
    [
        (
            0,
            np.zeros((7, 3, 2), np.uint8),
            r"uint8 of shape \(7, 3, 2\); expected .*\(7, 2, 3\)",
        ),
        (0, np.zeros((6, 2, 3), np.uint8), r"expected uint8 of shape \(7, 2, 3\)"),
        (1, np.zeros(6, np.uint8), r"expected uint8 of shape \(7,\)"),
        (3, np.zeros((3, 1), np.uint8), r"expected uint8 of shape \(3,\)"),
        (3, np.array([0, 10, 1], np.uint8), "has the label 10; expected 0 to 9"),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path, which, array, message):
    files = contents()
    files[which] = idx_bytes(array)
    folder = fill(tmp_path / "data", files)
    with pytest.raises(FileFormatError, match=message) as caught:
        load("tiny", folder=folder, table={"tiny": source()})
    assert FILES[which] in str(caught.value)


# --- downloads ---


@pytest.mark.parametrize("by", ["mirror", "BPX_MIRROR"])
@pytest.mark.parametrize("inside", ["", "/tiny"])
def test_a_mirror_may_be_named(monkeypatch, site, nobody, by, inside):
    site.serve(f"/mine{inside}", packed())
    options = {"mirror": f"{site.url}/mine/"}
    if by == "BPX_MIRROR":
        monkeypatch.setenv("BPX_MIRROR", options.pop("mirror"))
    assert_tiny(load("tiny", table={"tiny": source([nobody])}, **options))


def test_the_mirror_that_is_given_goes_before_the_variable(monkeypatch, site, nobody):
    monkeypatch.setenv("BPX_MIRROR", nobody)
    site.serve("", packed())
    assert_tiny(load("tiny", mirror=site.url, table={"tiny": source()}))


# --- names ---


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("fashion-mnist", "did you mean 'fashion_mnist'"),
        ("Digits", "did you mean 'digits'"),
        ("zzz", "known: digits, fashion_mnist, mnist"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(name, hint):
    with pytest.raises(InputError, match=hint):
        load(name)


def test_the_table_names_every_file_by_sha256():
    for entry in SOURCES.values():
        assert len(entry.checksums) == len(FILES) == len(set(entry.checksums))
        for checksum in entry.checksums:
            algorithm, _, digest = checksum.partition(":")
            assert algorithm == "sha256"
            assert len(bytes.fromhex(digest)) == 32
    every = [checksum for entry in SOURCES.values() for checksum in entry.checksums]
    assert len(set(every)) == len(every)


# --- the import, and the real thing ---


def test_the_import_brings_nothing_heavier_than_numpy():
    heavy = {"pooch", "requests", "sklearn", "scipy", "pandas", "cupy", "torch", "jax"}
    code = f"import sys, bpx.data; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.mnist
def test_the_real_mnist():
    folder = Path(os.environ.get("BPX_DATA") or "none")
    places = (folder, folder / "mnist")
    found = [all((p / f).is_file() or (p / f"{f}.gz").is_file() for f in FILES) for p in places]
    if not any(found):
        pytest.skip("BPX_DATA names no folder with the MNIST files")
    mnist = load("mnist")
    assert [part.x.shape for part in mnist[1:]] == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert mnist.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.validation.y[:5].tolist() == [3, 8, 6, 9, 6]
    assert mnist.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.x.min() == 0
    assert mnist.train.x.max() == 1
    with pytest.raises(FileFormatError, match="belong to another data set"):
        load("fashion_mnist", folder=places[found.index(True)])
