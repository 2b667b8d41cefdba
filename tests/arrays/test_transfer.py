"""Moving arrays: only when asked, copied unless shared on request."""

import numpy as np
import pytest

import bpx
from bpx.arrays import transfer
from tests.backends import available, host


def test_asarray_keeps_values_dtype_and_makes_new_memory(target):
    x = np.arange(6, dtype="float32").reshape(2, 3)
    moved = bpx.asarray(x, backend=target.spec, copy=True)
    x[:] = -1.0
    np.testing.assert_array_equal(host(moved), np.arange(6.0).reshape(2, 3))
    assert str(moved.dtype).endswith("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
def test_asarray_keeps_the_dtype(target, dtype):
    moved = bpx.asarray(np.ones((2, 2), dtype), backend=target.spec)
    assert str(moved.dtype).rpartition(".")[2] == dtype


@pytest.mark.parametrize(
    "awkward",
    [
        pytest.param(lambda x: x.T, id="transposed"),
        pytest.param(lambda x: x[::-1, ::2], id="strided"),
        pytest.param(lambda x: x.astype(">f8"), id="big-endian"),
        pytest.param(lambda x: np.broadcast_to(x[:1], x.shape), id="broadcast"),
        pytest.param(lambda x: np.frombuffer(x.tobytes()).reshape(x.shape), id="read-only"),
        pytest.param(lambda x: x.tolist(), id="list"),
        pytest.param(lambda x: x[0, 0], id="scalar"),
    ],
)
def test_awkward_host_arrays_arrive(target, awkward):
    x = awkward(np.arange(12.0).reshape(3, 4))
    moved = bpx.asarray(x, backend=target.spec, dtype="float64")
    np.testing.assert_array_equal(host(moved), np.asarray(x, dtype="float64"))


def test_every_backend_reaches_every_other(target):
    for source in available():
        x = source.asarray([[1.5, -2.0]], "float32")
        moved = bpx.move_to(x, like=target.asarray([0.0]))
        assert bpx.namespace(moved) is bpx.namespace(target.asarray([0.0]))
        np.testing.assert_array_equal(host(moved), [[1.5, -2.0]])


def test_what_is_there_already_is_given_back_itself(target):
    x = target.asarray([1.0, 2.0])
    assert bpx.asarray(x, backend=target.spec) is x
    assert bpx.move_to(x, like=x) is x
    assert bpx.asarray(x, backend=target.spec, copy=True) is not x


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_what_is_to_last_is_not_the_callers(target, dtype):
    home = target.network([1, 1]).home
    given = target.asarray(np.arange(6).reshape(2, 3), dtype)
    arrived = transfer.lasting(given, home, "x", dtype=dtype)
    assert arrived is not given or home.backend.immutable
    assert home.owns(arrived)
    if not home.backend.immutable:
        given[...] = 7
    np.testing.assert_array_equal(host(arrived), np.arange(6).reshape(2, 3))
    assert transfer.bring(given, home, "x", dtype=dtype) is given


def test_what_is_frozen_lasts_as_it_is():
    home, x = bpx.Network([1, 1], backend="numpy").home, np.ones((2, 3), "float32")
    x.flags.writeable = False
    assert transfer.lasting(x, home, "x") is x
    for other in (x.T, x.astype("float64"), x.astype(">f4"), x.copy()):
        arrived = transfer.lasting(other, home, "x")
        assert not np.shares_memory(arrived, other)
        assert arrived.flags.c_contiguous
        assert arrived.dtype == np.float32


def test_move_to_casts_floats_and_keeps_labels(target):
    x, y = bpx.move_to(
        np.ones((2, 2)), np.array([0, 1], dtype="int32"), like=target.asarray([0.0])
    )
    assert str(x.dtype).endswith("float32")
    assert str(y.dtype).endswith("int32")
    forced = bpx.move_to(np.ones(2, "uint8"), like=target.asarray([0.0]), dtype="float32")
    assert str(forced.dtype).endswith("float32")


def test_move_to_refuses_what_is_no_place():
    with pytest.raises(bpx.InputError, match=r"like is a builtins\.list"):
        bpx.move_to([1.0], like=[2.0])


def test_memory_is_shared_on_request_alone():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = np.zeros(3)
    shared = bpx.asarray(x, backend="torch:cpu", copy=False)
    own = bpx.asarray(x, backend="torch:cpu")
    shared[0] = 5.0
    assert isinstance(shared, torch.Tensor)
    assert x[0] == 5.0
    assert own[0] == 0.0


@pytest.mark.parametrize(
    ("x", "settings", "said"),
    [
        (np.zeros(3), {"dtype": "float32"}, "cannot be shared as float32"),
        (np.zeros(3)[::-1], {}, "negative strides"),
        ([1.0, 2.0], {"backend": "strict:device1"}, "omit copy"),
    ],
)
def test_what_cannot_be_shared_says_so(x, settings, said):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(bpx.InputError, match=said):
        bpx.asarray(x, **{"backend": "torch:cpu", "copy": False, **settings})


def test_tensors_of_autograd_and_bfloat16_come_to_the_host():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    parameter = torch.nn.Parameter(torch.ones(2))
    np.testing.assert_array_equal(bpx.to_host(parameter), [1.0, 1.0])
    np.testing.assert_array_equal(bpx.to_host(torch.ones(2, dtype=torch.bfloat16)), [1.0, 1.0])


@pytest.mark.parametrize("x", ["words", [object()], [1j], [[1.0], [1.0, 2.0]], None])
def test_what_is_not_numbers_is_refused(target, x):
    with pytest.raises(bpx.InputError, match="x "):
        bpx.asarray(x, backend=target.spec)


def test_fractions_in_a_list_take_the_parameters_dtype(target):
    assert str(bpx.asarray([1.0], backend=target.spec).dtype).endswith("float32")
    with bpx.use(dtype="float64"):
        assert str(bpx.asarray([1.0], backend=target.spec).dtype).endswith("float64")
    assert "int" in str(bpx.asarray([1], backend=target.spec).dtype)
    assert str(bpx.move_to([[1.0]], like=target.asarray([0.0])).dtype).endswith("float32")


@pytest.mark.parametrize("dtype", ["foo", "sum", np.float32])
def test_an_unknown_dtype_is_refused(target, dtype):
    with pytest.raises(bpx.InputError, match="expected a name"):
        bpx.asarray([1.0], backend=target.spec, dtype=dtype)


def test_a_dtype_of_numpy_is_taken_by_its_name(target):
    moved = bpx.asarray([1.0], backend=target.spec, dtype=np.dtype("float64"))
    assert str(moved.dtype).endswith("float64")


def test_fractions_are_not_cut_by_a_like_of_whole_numbers(target):
    moved = bpx.move_to([0.5], like=target.asarray([1], "int32"))
    assert host(moved).tolist() == [0.5]


def test_crossing_to_the_host_makes_new_memory():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = torch.zeros(2)
    moved = bpx.asarray(x, backend="numpy")
    x[0] = 1.0
    assert moved[0] == 0.0


def test_memory_that_must_not_be_written_is_not_shared():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(bpx.InputError, match="read-only"):
        bpx.asarray(np.broadcast_to(np.zeros(1), (3,)), backend="torch:cpu", copy=False)
    with pytest.raises(bpx.InputError, match="no memory to share"):
        bpx.asarray([1.0], backend="numpy", copy=False)
