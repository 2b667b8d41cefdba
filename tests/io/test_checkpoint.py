"""Saving and loading: any network, whole or not at all; foreign files are told apart."""

import dataclasses
import json
import os
import struct

import numpy as np
import pytest

import bpx
from bpx.io import checkpoint
from bpx.privacy import Mechanism
from tests.backends import host
from tests.extending.rms_norm import RMSNorm


def network(**settings):
    return bpx.Network(
        [4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1, **settings
    )


def same(a, b):
    return all(
        np.array_equal(host(p), host(q)) for p, q in zip(a.weights, b.weights, strict=True)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip(tmp_path, dtype):
    net = network(dtype=dtype)
    net.save(tmp_path / "net.safetensors")
    loaded = bpx.load(tmp_path / "net.safetensors")
    assert (loaded.spec, loaded.seed, loaded.home) == (net.spec, 1, net.home)
    assert same(net, loaded)
    x = np.random.default_rng(0).random((6, 4))
    np.testing.assert_array_equal(net.predict(x), loaded.predict(x))


@pytest.mark.parametrize(
    "awkward",
    [
        pytest.param(lambda w: np.asfortranarray(w), id="transposed"),
        pytest.param(lambda w: np.repeat(w, 2, axis=1)[:, ::2], id="strided"),
        pytest.param(lambda w: w[::-1], id="reversed"),
    ],
)
def test_transposed_and_strided_weights_survive(tmp_path, awkward):
    net = network()
    spoiled = tuple(awkward(w) for w in net.weights)
    net.publish(bpx.Parameters.dense(spoiled, net.biases))  # as an engine might
    assert not net.weights[0].flags.c_contiguous
    net.save(tmp_path / "net")
    assert same(net, bpx.load(tmp_path / "net"))


def test_the_names_are_those_of_a_torch_sequential(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import load_file

    net = network()
    net.save(tmp_path / "net.safetensors")
    theirs = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.Softmax(dim=1)
    )
    theirs.load_state_dict(load_file(tmp_path / "net.safetensors"))
    x = torch.rand(6, 4)
    np.testing.assert_allclose(
        theirs(x).detach().numpy(), net.predict(x).numpy(), rtol=1e-5, atol=1e-6
    )


def test_what_private_training_has_spent_is_kept(tmp_path):
    net = network()
    assert b"mechanisms" not in _saved(net, tmp_path)
    net.mechanisms = (Mechanism(1.5, 0.01, 300), Mechanism(2.0, 1.0, 4, secure=False))
    _saved(net, tmp_path)
    assert bpx.load(tmp_path / "net").mechanisms == net.mechanisms


def test_notes_come_back_as_they_were(tmp_path):
    net, notes = network(), {"of": ["what", 1, 0.5, None], "more": {}}
    checkpoint.save(tmp_path / "net", net.spec, net.parameters, (), 3, notes)
    saved = checkpoint.read(tmp_path / "net", {}, lambda found: found == notes)
    assert (saved.notes, saved.seed, saved.spec) == (notes, 3, net.spec)
    assert bpx.load(tmp_path / "net").mechanisms == ()  # those of others do no harm
    with pytest.raises(bpx.FileFormatError, match="no spec that this version"):
        checkpoint.read(tmp_path / "net", {}, lambda found: "less" in found)


def _saved(net, folder):
    net.save(folder / "net")
    return (folder / "net").read_bytes()


def test_equal_networks_make_equal_files(tmp_path):
    for name in "abc":
        network().save(tmp_path / name)
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


def test_saving_is_atomic(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    network().save(path)
    before = path.read_bytes()
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full"))
    )
    with pytest.raises(bpx.InputError, match="disk full"):
        bpx.Network([4, 3], seed=2).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.safetensors"]


def test_saving_into_nowhere_says_so(tmp_path):
    with pytest.raises(bpx.InputError, match="cannot be written"):
        network().save(tmp_path / "absent" / "net")


def test_a_new_file_has_the_usual_permissions(tmp_path):
    network().save(tmp_path / "net")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "other").stat().st_mode


def _square(z):
    return z * z


def _square_prime(z, a):
    return 2.0 * z


SQUARE = bpx.Elementwise("square", _square, _square_prime)
ABSOLUTE = bpx.Cost(
    "absolute",
    lambda a, y: bpx.namespace(a).sum(bpx.namespace(a).abs(a - y), axis=1),
    lambda a, y: bpx.namespace(a).sign(a - y),
)


def test_custom_activations_and_costs_are_saved_by_name(tmp_path):
    net = bpx.Network([4, 5, 3], hidden=SQUARE, cost=ABSOLUTE, seed=0)
    net.save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=r"'square', 'absolute'.*custom="):
        bpx.load(tmp_path / "net")
    loaded = bpx.load(tmp_path / "net", custom={"square": SQUARE, "absolute": ABSOLUTE})
    assert loaded.spec == net.spec


def _valid(tmp_path):
    network().save(tmp_path / "net")
    return (tmp_path / "net").read_bytes()


def _with_spec(content, **changes):
    """The same file with another spec in its metadata."""
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    spec = json.loads(header["__metadata__"]["bpx"])
    header["__metadata__"]["bpx"] = json.dumps({**spec, **changes})
    new = json.dumps(header).encode()
    return struct.pack("<Q", len(new)) + new + content[8 + size :]


@pytest.mark.parametrize("keep", [0, 4, 8, 50, 300, -1])
def test_truncated_files_are_refused(tmp_path, keep):
    content = _valid(tmp_path)
    (tmp_path / "cut").write_bytes(content[:keep])
    with pytest.raises(bpx.FileFormatError, match=r"truncated|safetensors"):
        bpx.load(tmp_path / "cut")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello, this is no network at all", id="text"),
        pytest.param(struct.pack("<Q", 2**62) + b"{}", id="a header of 4 exabytes"),
        pytest.param(struct.pack("<Q", 2) + b"{}", id="no arrays"),
        pytest.param(b"\x00" * 64, id="zeros"),
        pytest.param(b"PK\x03\x04" + b"\x00" * 60, id="zip"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content):
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(bpx.FileFormatError):
        bpx.load(tmp_path / "foreign")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": [4, 6, 3]}, "does not fit its own spec"),
        (
            {"sizes": [4, 5, 5, 3], "activations": ["relu", "relu", "softmax"]},
            "lacks the array",
        ),
        ({"sizes": "many"}, "no spec that this version"),
        ({"sizes": [4, 3], "activations": ["softmax"]}, "does not fit its own spec"),
        ({"format": 2}, "no spec that this version"),
        ({"seed": "zero"}, "no spec that this version"),
        ({"activations": 7}, "no spec that this version"),
        ({"mechanisms": [[1.5, 0.01]]}, "no spec that this version"),
        ({"mechanisms": [[1.5, 2.0, 3, True]]}, "no spec that this version"),
        ({"mechanisms": 3}, "no spec that this version"),
        ({"sizes": [4, 0]}, "does not fit its own spec"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, changes, said):
    (tmp_path / "odd").write_bytes(_with_spec(_valid(tmp_path), **changes))
    with pytest.raises(bpx.FileFormatError, match=said):
        bpx.load(tmp_path / "odd")


def test_another_programs_safetensors_is_told_apart(tmp_path):
    from safetensors.numpy import save_file

    save_file({"0.weight": np.zeros((2, 2))}, tmp_path / "other")
    with pytest.raises(bpx.FileFormatError, match="that bpx did not write"):
        bpx.load(tmp_path / "other")


def test_a_custom_part_with_a_built_in_name_is_not_taken_for_it(tmp_path):
    mine = bpx.Elementwise("relu", _square, _square_prime)
    bpx.Network([4, 3], output=mine, seed=0).save(tmp_path / "net")
    with pytest.raises(bpx.InputError, match=r"the custom part 'relu'.*custom="):
        bpx.load(tmp_path / "net")
    assert bpx.load(tmp_path / "net", custom={"relu": mine}).spec.output is mine


def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path):
    network().save(tmp_path / "net")
    (tmp_path / "net").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "net")
    bpx.Network([2, 1], seed=0).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "net").stat().st_mode & 0o777 == 0o600
    assert bpx.load(tmp_path / "net").sizes == (2, 1)


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_weights_of_another_dtype_are_refused(tmp_path, dtype):
    from safetensors.numpy import load_file, save_file

    network().save(tmp_path / "net")
    arrays = {k: v.astype(dtype) for k, v in load_file(tmp_path / "net").items()}
    content = (tmp_path / "net").read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    save_file(arrays, tmp_path / "net", metadata)
    with pytest.raises(bpx.FileFormatError, match=f"its arrays are {dtype}"):
        bpx.load(tmp_path / "net")


def test_parts_of_two_sorts_may_have_one_name(tmp_path):
    """A cost as a built-in layer is called, and a layer of one's own as the cost."""
    dropout = dataclasses.replace(ABSOLUTE, name="dropout")
    layers = [bpx.Dense(3, 4, "tanh"), bpx.Dropout(4, 0.5), bpx.Dense(4, 2, "identity")]
    bpx.Network(layers, cost=dropout, seed=0).save(tmp_path / "built_in")
    loaded = bpx.load(tmp_path / "built_in", custom={"dropout": dropout})
    assert loaded.spec.cost is dropout
    assert loaded.spec.layers[1] == layers[1]
    cost = dataclasses.replace(ABSOLUTE, name="rms_norm")
    layers[1] = RMSNorm(4)
    bpx.Network(layers, cost=cost, seed=0).save(tmp_path / "own")
    for given in ([RMSNorm, cost], (cost, RMSNorm)):
        loaded = bpx.load(tmp_path / "own", custom={"rms_norm": given})
        assert loaded.spec.cost is cost
        assert loaded.spec.layers[1] == layers[1]
