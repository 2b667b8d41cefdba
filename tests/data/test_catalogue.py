"""Data sets by name: where they are found, what is downloaded, what is refused."""

import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from bpx._files import cache_folder
from bpx.data import Dataset, Split, load
from bpx.data.catalogue import FILES, SOURCES, Source
from bpx.errors import FileFormatError, InputError

COUNTS = (7, 3)


def idx_bytes(array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 0x08, array.ndim]) + shape + array.tobytes()


def contents(first_label=5):
    """The four files of a tiny data set, in the order of FILES."""
    parts = []
    for count in COUNTS:
        images = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3)
        images[-1, -1, -1] = 255
        labels = (np.arange(count, dtype=np.uint8) + first_label) % 10
        parts += [idx_bytes(images), idx_bytes(labels)]
    return parts


def packed(first_label=5):
    return [gzip.compress(data, mtime=0) for data in contents(first_label)]


def source(mirrors=(), first_label=5, algorithm="sha256"):
    digests = [hashlib.new(algorithm, data).hexdigest() for data in packed(first_label)]
    return Source(
        mirrors=tuple(mirrors),
        checksums=tuple(f"{algorithm}:{digest}" for digest in digests),
        first_labels=(first_label, (first_label + 1) % 10),
        counts=COUNTS,
        validation=2,
        shape=(2, 3),
    )


def fill(folder, files, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in zip(FILES, files, strict=True):
        (folder / f"{name}{suffix}").write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch, request):
    """No variable of the caller's counts, and nothing lands in the caller's cache."""
    if request.node.get_closest_marker("mnist") is None:
        monkeypatch.delenv("BPX_DATA", raising=False)
    monkeypatch.delenv("BPX_MIRROR", raising=False)
    monkeypatch.setenv("BPX_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


class Site:
    """A server on this machine: paths with their content, and what was asked of it."""

    def __init__(self):
        self.files, self.asked = {}, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                body = site.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def serve(self, folder, files):
        self.files |= {
            f"{folder}/{name}.gz": data for name, data in zip(FILES, files, strict=True)
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def nobody():
    """The URL of a server that is gone."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def assert_tiny(dataset, name="tiny"):
    assert isinstance(dataset, Dataset)
    assert dataset.name == name
    assert [part.x.shape for part in dataset[1:]] == [(5, 6), (2, 6), (3, 6)]
    assert [part.y.tolist() for part in dataset[1:]] == [[5, 6, 7, 8, 9], [0, 1], [5, 6, 7]]
    whole = np.concatenate([dataset.train.x, dataset.validation.x])
    expected = np.arange(42, dtype=np.float32).reshape(7, 6) / np.float32(255)
    expected[-1, -1] = 1
    np.testing.assert_array_equal(whole, expected)
    for part in dataset[1:]:
        assert isinstance(part, Split)
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int32
        assert part.x.flags.c_contiguous
        assert part.x.flags.writeable


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else None


# --- files in a folder ---


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


def test_files_in_a_folder_need_not_be_packed_as_the_downloads_are(tmp_path):
    again = [gzip.compress(data, 1, mtime=1) for data in contents()]
    assert again != packed()
    folder = fill(tmp_path / "data", again, ".gz")
    assert_tiny(load("tiny", folder=str(folder), table={"tiny": source()}))


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


def test_a_given_folder_without_a_file_is_named_and_nothing_is_downloaded(tmp_path, site):
    site.serve("", packed())
    folder = fill(tmp_path / "data", contents())
    (folder / FILES[2]).unlink()
    with pytest.raises(InputError) as caught:
        load("tiny", folder=folder, table={"tiny": source([site.url])})
    assert str(folder) in str(caught.value)
    assert all(name in str(caught.value) for name in FILES)
    assert site.asked == []


def test_a_folder_that_does_not_exist(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"folder is .*none'.*not a folder"):
        load("mnist", folder=tmp_path / "none")
    monkeypatch.setenv("BPX_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"BPX_DATA is .*none'.*not a folder"):
        load("mnist")


def test_files_of_another_data_set_with_the_same_names_are_refused(tmp_path):
    folder = fill(tmp_path / "data", contents(first_label=3))
    with pytest.raises(FileFormatError, match=r"labels \(3, 4\); those of 'tiny'.*\(5, 6\)"):
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


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_download_is_kept_and_not_asked_for_again(tmp_path, site, algorithm):
    site.serve("/there", packed())
    table = {"tiny": source([f"{site.url}/there/"], algorithm=algorithm)}
    assert_tiny(load("tiny", table=table))
    assert site.asked == [f"/there/{name}.gz" for name in FILES]
    assert left_in(tmp_path / "cache") == sorted(["tiny", *(f"{name}.gz" for name in FILES)])
    assert_tiny(load("tiny", table=table))
    assert len(site.asked) == 4


def test_the_cache_serves_without_a_network(tmp_path, nobody):
    fill(tmp_path / "cache" / "tiny", packed(), ".gz")
    assert_tiny(load("tiny", table={"tiny": source([nobody])}))


def test_a_damaged_file_in_the_cache_is_downloaded_again(tmp_path, site):
    site.serve("", packed())
    place = fill(tmp_path / "cache" / "tiny", packed(), ".gz")
    (place / f"{FILES[1]}.gz").write_bytes(b"damaged")
    assert_tiny(load("tiny", table={"tiny": source([site.url])}))
    assert site.asked == [f"/{FILES[1]}.gz"]


def test_the_next_mirror_is_tried(tmp_path, site, nobody):
    site.serve("/right", packed())
    site.serve("/wrong", packed(first_label=1))
    mirrors = [nobody, f"{site.url}/none", f"{site.url}/wrong", f"{site.url}/right"]
    assert_tiny(load("tiny", table={"tiny": source(mirrors)}))


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


@pytest.mark.parametrize("made_before", [False, True])
def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, site, made_before):
    cache = tmp_path / "cache"
    if made_before:
        cache.mkdir()
    site.serve("", packed(first_label=1))
    site.files[f"/{FILES[0]}.gz"] = b"something else"
    with pytest.raises(InputError, match=r"(?s)could not be downloaded.*hash"):
        load("tiny", table={"tiny": source([site.url])})
    assert left_in(cache) == ([] if made_before else None)


def test_a_404_leaves_nothing_behind(tmp_path, site):
    with pytest.raises(InputError, match=r"(?s)could not be downloaded.*404"):
        load("tiny", table={"tiny": source([site.url])})
    assert site.asked == [f"/{FILES[0]}.gz"]
    assert left_in(tmp_path / "cache") is None


def test_a_server_that_is_gone_leaves_nothing_behind(tmp_path, nobody):
    with pytest.raises(InputError) as caught:
        load("tiny", table={"tiny": source([nobody])})
    message = str(caught.value)
    assert f"{nobody}/{FILES[0]}.gz: " in message
    assert all(word in message for word in ("folder=", "BPX_DATA", "BPX_MIRROR", "BPX_CACHE"))
    assert left_in(tmp_path / "cache") is None


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 5000
            )

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with pytest.raises(InputError, match="could not be downloaded"):
            load("tiny", table={"tiny": source([url])})
    finally:
        thread.join()
        listener.close()
    assert left_in(tmp_path / "cache") is None


def test_what_was_downloaded_whole_before_a_failure_is_kept_and_used(tmp_path, site):
    site.serve("", packed())
    last = f"/{FILES[3]}.gz"
    body = site.files.pop(last)
    table = {"tiny": source([site.url])}
    with pytest.raises(InputError, match="404"):
        load("tiny", table=table)
    assert left_in(tmp_path / "cache") == sorted(
        ["tiny", *(f"{name}.gz" for name in FILES[:3])]
    )
    site.files[last] = body
    assert_tiny(load("tiny", table=table))
    assert site.asked.count(f"/{FILES[0]}.gz") == 1


def test_a_cache_that_cannot_be_a_folder(tmp_path, site):
    (tmp_path / "cache").write_text("a file")
    site.serve("", packed())
    with pytest.raises(InputError, match="BPX_CACHE"):
        load("tiny", table={"tiny": source([site.url])})
    assert (tmp_path / "cache").read_text() == "a file"


def test_a_mirror_that_is_no_url():
    with pytest.raises(InputError, match="could not be downloaded"):
        load("tiny", mirror="no such thing", table={"tiny": source()})


def test_without_pooch_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r"pip install 'backpropx\[cli\]'"):
        load("tiny", table={"tiny": source(["http://127.0.0.1:9"])})


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("BPX_CACHE", "~/mine")
    assert cache_folder() == Path.home() / "mine"
    monkeypatch.setenv("BPX_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "bpx"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
)
def test_the_place_of_the_cache_on_each_platform(monkeypatch, platform, expected):
    for name in ("BPX_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path.home() / expected / "bpx"


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


# --- digits ---


@pytest.fixture
def sklearn_digits():
    return pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)


def test_digits_are_split_by_class_and_nothing_is_lost(sklearn_digits):
    digits = load("digits")
    parts = digits[1:]
    assert digits.name == "digits"
    assert sum(len(part.x) for part in parts) == 1797
    for part in parts:
        assert part.x.shape[1:] == (64,)
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int32
        assert (part.x.min(), part.x.max()) == (0, 1)
    counts = np.array([np.bincount(part.y) for part in parts])
    whole = np.bincount(sklearn_digits[1])
    np.testing.assert_array_equal(counts.sum(axis=0), whole)
    np.testing.assert_array_equal(counts[1], whole // 7)
    np.testing.assert_array_equal(counts[2], whole // 7)


def test_digits_keep_their_samples_and_labels_together(sklearn_digits):
    x, y = sklearn_digits
    label_of = {
        (row / 16).astype(np.float32).tobytes(): label for row, label in zip(x, y, strict=True)
    }
    seen = [row.tobytes() for part in load("digits")[1:] for row in part.x]
    labels = [label for part in load("digits")[1:] for label in part.y]
    assert sorted(seen) == sorted((row / 16).astype(np.float32).tobytes() for row in x)
    assert [label_of[row] for row in seen] == labels


@pytest.mark.usefixtures("sklearn_digits")
def test_the_split_of_digits_follows_the_seed():
    first, again, other = (load("digits", seed=seed) for seed in (0, 0, 1))
    for one, two in zip(first[1:], again[1:], strict=True):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)
    assert not np.array_equal(first.test.x, other.test.x)


@pytest.mark.usefixtures("sklearn_digits")
@pytest.mark.parametrize("seed", [-1, 1.5, None, "0"])
def test_a_seed_that_cannot_be_used(seed):
    with pytest.raises(InputError, match="seed is"):
        load("digits", seed=seed)


def test_without_scikit_learn_the_command_that_installs_it(monkeypatch):
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'backpropx\[sklearn\]'"):
        load("digits")


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
    with pytest.raises(FileFormatError, match="another data set's"):
        load("fashion_mnist", folder=places[found.index(True)])
