"""NPY and NPZ: numbers come through, everything else is refused."""

import gzip
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpx.data import read, read_npy, read_npz
from bpx.errors import FileFormatError, InputError, at_the_prompt
from tests.data.written import npy_bytes, write


def lying(descr="<f8", shape=(1000, 1000), fortran=False, payload=bytes(80), text=None):
    text = text or repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    body = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + payload


def zip_of(path, *, method=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def peak_of_refusal(reader, path):
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError):
            reader(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


DTYPES = [
    "?",
    "u1",
    "i1",
    "<i2",
    ">i2",
    "<u4",
    ">i8",
    "<f2",
    ">f4",
    "<f8",
    ">f8",
    ">c8",
    "<c16",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), fortran=st.booleans(), packed=st.booleans())
def test_every_numeric_array_comes_back_as_it_was_saved(tmp_path, data, fortran, packed):
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES)))
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    array = np.array(data.draw(hnp.arrays(dtype, shapes)), order="F" if fortran else "C")
    content = npy_bytes(array)
    result = read_npy(write(tmp_path / "a.npy", gzip.compress(content) if packed else content))
    native = array.astype(dtype.newbyteorder("="))
    assert result.dtype == native.dtype
    assert result.dtype.isnative
    assert result.shape == array.shape
    assert result.tobytes() == native.tobytes()
    assert result.flags.c_contiguous
    assert result.flags.writeable


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format(tmp_path, version):
    array = np.arange(6.0).reshape(2, 3)
    assert (
        read_npy(write(tmp_path / "a.npy", npy_bytes(array, version))).tolist()
        == array.tolist()
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x01",
        b"not numpy at all",
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUMPY\x01\x00\x76\x00" + bytes(3),
        lying(text="{'descr': '<f8'}"),
        lying(text="[1, 2]"),
        lying(text="{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}"),
        lying(text="(" * 500),
        lying(text="{"),
        lying(shape=(-1, 5)),
        lying(shape=(True,)),
        lying(shape=[10]),
        lying(shape=(10.0,)),
        lying(shape=(10,), fortran="yes"),
        lying(shape=(10,), descr="<f3"),
        lying(shape=(10,), descr="<U2"),
        lying(shape=(10,), descr="<M8[s]"),
        lying(shape=(10,), descr="f4, f4"),
        lying(shape=(10,), descr=[("a", "<f8")]),
        lying(shape=(9,)),
        lying(shape=(11,)),
        lying(shape=(10**400,)),
        lying(shape=(0, 2**62, 2**62), payload=b""),
        lying(shape=(1,) * 65, payload=bytes(8)),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path, content, packed):
    path = write(tmp_path / "bad.npy", gzip.compress(content) if packed else content)
    with pytest.raises(FileFormatError, match=r"bad\.npy: "):
        read_npy(path)


def test_the_message_has_what_was_declared_and_what_was_found(tmp_path):
    path = write(tmp_path / "bad.npy", lying(shape=(9, 2)))
    with pytest.raises(FileFormatError, match=r"float64 of shape \(9, 2\), 144 bytes, but 80"):
        read_npy(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("array", [np.array([Bomb(), 1]), np.array([{}, None])])
def test_objects_are_refused_and_never_unpickled(tmp_path, array):
    path = write(tmp_path / "a.npy", npy_bytes(array))
    with pytest.raises(FileFormatError, match=r"Python objects.*never unpickles"):
        read_npy(path)
    archive = zip_of(tmp_path / "a.npz", x=npy_bytes(np.zeros(2)), y=npy_bytes(array))
    with pytest.raises(FileFormatError, match=r"y\.npy.*Python objects"):
        read_npz(archive)


def test_a_bare_pickle_is_refused(tmp_path):
    path = write(tmp_path / "a.npy", pickle.dumps(Bomb()))
    with pytest.raises(FileFormatError, match="not NPY"):
        read_npy(path)
    with pytest.raises(FileFormatError, match="NPZ"):
        read_npz(path)


@pytest.mark.parametrize("shape", [(10**6, 784), (2**31, 2**31), (2**63, 2**63), (10**30,)])
def test_a_lying_header_allocates_almost_nothing(tmp_path, shape):
    content = lying(shape=shape)
    path = write(tmp_path / "a.npy", content)
    packed = write(tmp_path / "b.npy", gzip.compress(content))
    archive = zip_of(tmp_path / "c.npz", x=content, y=npy_bytes(np.zeros(3)))
    cases = [(read_npy, path), (read_npy, packed), (read_npz, archive)]
    for case in cases:
        peak_of_refusal(*case)
    assert max(peak_of_refusal(*case) for case in cases) < 500_000


def test_a_header_that_declares_a_long_header_allocates_almost_nothing(tmp_path):
    path = write(
        tmp_path / "a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}"
    )
    peak_of_refusal(read_npy, path)
    assert peak_of_refusal(read_npy, path) < 300_000


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", ["xy", "XY"])
def test_labels_and_samples_of_an_npz(tmp_path, save, names):
    x = np.arange(12, dtype=np.float64).reshape(3, 2, 2)
    y = np.array([2, 0, 1], np.uint8)
    save(tmp_path / "a.npz", **{names[0]: x, names[1]: y})
    split = read_npz(tmp_path / "a.npz")
    assert split.x.dtype == np.float32
    assert split.y.dtype == np.int32
    assert split.x.tolist() == x.reshape(3, 4).tolist()
    assert split.y.tolist() == [2, 0, 1]
    assert read(tmp_path / "a.npz").x.tolist() == split.x.tolist()


@pytest.mark.parametrize("reader", [read_npz, read])
def test_the_key_of_the_targets_may_be_another_or_none(tmp_path, reader):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), labels=np.array([4, 5]))
    assert reader(tmp_path / "a.npz", target=None).y is None
    assert reader(tmp_path / "a.npz", target="labels").y.tolist() == [4, 5]


@pytest.mark.parametrize("reader", [read_npz, read])
def test_the_key_of_the_samples_may_be_another(tmp_path, reader):
    np.savez(tmp_path / "a.npz", images=np.ones((2, 3)), x=np.zeros((2, 1)), y=np.array([4, 5]))
    split = reader(tmp_path / "a.npz", inputs="images")
    assert (split.x.tolist(), split.y.tolist()) == ([[1, 1, 1]] * 2, [4, 5])
    assert reader(tmp_path / "a.npz", inputs="images", target="x").y.tolist() == [[0], [0]]
    assert reader(tmp_path / "a.npz", inputs="images", target=None).y is None


def test_a_missing_key_says_which_argument_names_another(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.ones((2, 3)), labels=np.array([4, 5]))
    with pytest.raises(FileFormatError, match=r"expected 'x': .*such as inputs='images', or"):
        read(tmp_path / "a.npz", target="labels")
    with pytest.raises(FileFormatError, match=r"expected 'y': .*target='labels'.* target=None"):
        read(tmp_path / "a.npz", inputs="images")
    with at_the_prompt({}):
        with pytest.raises(FileFormatError, match=r"such as --inputs images, or write"):
            read(tmp_path / "a.npz", target="labels")
        with pytest.raises(FileFormatError) as caught:
            read(tmp_path / "a.npz", inputs="images")
    assert "--target labels" in str(caught.value)
    assert "target=" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"inputs": 3}, r"inputs=3 was given; expected the key .* such as inputs='x'"),
        ({"target": 0}, r"target=0 was given; expected the key .* such as target='y'"),
        ({"target": "x"}, r"inputs='x' and target='x' were given; expected two arrays"),
    ],
)
def test_keys_that_name_no_two_arrays(tmp_path, keys, message):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), y=np.array([4, 5]))
    with pytest.raises(InputError, match=message):
        read_npz(tmp_path / "a.npz", **keys)


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        (["x_train", "y"], "x"),
        (["x", "labels"], "y"),
        (["x"], "y"),
        (["arr_0"], "x"),
        ([], "x"),
    ],
)
def test_missing_keys_are_named(tmp_path, keys, missing):
    np.savez(tmp_path / "a.npz", **dict.fromkeys(keys, np.zeros(2)))
    with pytest.raises(FileFormatError) as caught:
        read_npz(tmp_path / "a.npz")
    assert f"has the keys {sorted(keys)}; expected {missing!r}" in str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_truncation_of_an_npz_is_refused(tmp_path, save):
    save(tmp_path / "a.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10))
    content = (tmp_path / "a.npz").read_bytes()
    for keep in range(0, len(content), 7):
        with pytest.raises(FileFormatError):
            read_npz(write(tmp_path / "cut.npz", content[:keep]))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_is_read_as_it_was_or_refused(tmp_path, save):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    save(tmp_path / "a.npz", x=x, y=y)
    content = (tmp_path / "a.npz").read_bytes()
    refused = 0
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        try:
            split = read_npz(write(tmp_path / "bad.npz", bytes(damaged)))
        except FileFormatError:
            refused += 1
        else:  # in a time stamp, say
            assert split.x.tolist() == x.tolist()
            assert split.y.tolist() == y.tolist()
    assert refused > len(content) // 6


def patch_sizes(path, old, new):
    """Declare another uncompressed size, in the local and in the central header."""
    content = path.read_bytes()
    assert content.count(struct.pack("<I", old)) >= 2
    return write(path, content.replace(struct.pack("<I", old), struct.pack("<I", new)))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_that_declares_more_than_it_can_hold(tmp_path, method):
    data = lying(shape=(10**8,), payload=bytes(9_001))
    path = zip_of(tmp_path / "a.npz", method=method, x=data, y=npy_bytes(np.zeros(2)))
    patch_sizes(path, len(data), len(data) - 9_001 + 8 * 10**8)
    with pytest.raises(FileFormatError, match="cannot hold"):
        read_npz(path)
    assert peak_of_refusal(read_npz, path) < 500_000


def test_a_member_that_declares_less_than_it_holds(tmp_path):
    data = npy_bytes(np.arange(1000.0))
    path = zip_of(tmp_path / "a.npz", method=zipfile.ZIP_DEFLATED, x=data)
    patch_sizes(path, len(data), len(data) - 8)
    with pytest.raises(FileFormatError):
        read_npz(path)


def test_another_compression_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.npz", method=zipfile.ZIP_BZIP2, x=npy_bytes(np.zeros(2)))
    with pytest.raises(FileFormatError, match="method 12"):
        read_npz(path)


@pytest.mark.parametrize("reader", [read, read_npy, read_npz])
def test_a_path_that_does_not_exist(tmp_path, reader):
    with pytest.raises(InputError, match="does not exist") as caught:
        reader(tmp_path / "missing.npz")
    assert not isinstance(caught.value, FileFormatError)
