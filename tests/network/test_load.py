"""Reading a network, to wherever it shall live."""

import json

import numpy as np
import pytest
from safetensors import numpy as safetensors
from safetensors import safe_open

import bpx


def network(**settings):
    return bpx.Network(
        [4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1, **settings
    )


def test_the_dtype_can_be_chosen_on_loading(tmp_path):
    network(dtype="float64").save(tmp_path / "net")
    assert bpx.load(tmp_path / "net", dtype="float32").weights[0].dtype == np.float32


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(bpx.InputError, match="there is no file"):
        bpx.load(tmp_path / "absent")


def test_a_load_into_an_unusable_backend_says_so(tmp_path):
    network().save(tmp_path / "net")
    with pytest.raises(bpx.BackendError):
        bpx.load(tmp_path / "net", backend="strict:device9")


def test_the_file_does_not_say_where_a_network_shall_live(tmp_path):
    pytest.importorskip("array_api_strict", reason="the other backend is array-api-strict")
    network(dtype="float64").save(tmp_path / "net")
    given = bpx.load(tmp_path / "net", backend="strict:device1")
    with bpx.use("strict:device1"):
        chosen = bpx.load(tmp_path / "net")
    for each in (given, chosen):
        assert (str(each.home), each.home.dtype) == ("strict:device1", "float64")
    assert str(bpx.load(tmp_path / "net").home) == "numpy"


def test_a_loaded_network_goes_on_as_the_saved_one_would(tmp_path):
    net, rng = network(dtype="float64", feedback="brsf"), np.random.default_rng(0)
    data = rng.random((20, 4)), np.arange(20) % 3
    settings = {"epochs": 2, "batch_size": 5, "optimizer": bpx.SGD(0.5), "seed": 0}
    net.fit(*data, **settings)
    net.save(tmp_path / "net")
    loaded = bpx.load(tmp_path / "net")
    assert loaded.seed == net.seed
    for each in (net, loaded):
        each.fit(*data, **settings)
    for one, other in zip(loaded.weights, net.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def by_hand(path, dtype="float64", names=("0", "2")):
    """What PyTorch would save of a Sequential, and what it would predict with relu, softmax."""
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    shapes = {"weight": [(5, 4), (3, 5)], "bias": [(5,), (3,)]}
    arrays = {
        f"{name}.{field}": rng.standard_normal(shape).astype(dtype)
        for field, both in shapes.items()
        for name, shape in zip(names, both, strict=True)
    }
    save_file(arrays, path)
    (w1, b1), (w2, b2) = ([arrays[f"{n}.{f}"] for f in ("weight", "bias")] for n in names)
    x = rng.standard_normal((6, 4))
    z = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
    return x, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("names", [("0", "2"), ("model.0", "model.2"), ("net.fc1", "net.fc2")])
def test_linear_layers_that_bpx_did_not_save(tmp_path, names):
    x, expected = by_hand(tmp_path / "net", names=names)
    net = bpx.load(tmp_path / "net", activations=["relu", "softmax"], cost="cross_entropy")
    assert (net.sizes, net.home.dtype, net.seed) == ((4, 5, 3), "float64", None)
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-12)
    net.fit(x, [0, 1, 2] * 2, epochs=1, batch_size=3, optimizer=bpx.SGD(0.1), seed=0)
    net.save(tmp_path / "again")
    assert bpx.load(tmp_path / "again").spec == net.spec
    assert bpx.load(tmp_path / "net", hidden="relu", dtype="float32").weights[0].dtype == (
        np.float32
    )


def test_linear_layers_without_their_activations(tmp_path):
    by_hand(tmp_path / "net")
    with pytest.raises(bpx.FileFormatError, match=r"bpx\.load\(.*activations=\['relu', 'softm"):
        bpx.load(tmp_path / "net")


@pytest.mark.parametrize(
    "given", [{"activations": ["relu", "softmax"]}, {"hidden": "relu"}, {"cost": "quadratic"}]
)
def test_a_file_that_says_its_activations_is_not_told_them(tmp_path, given):
    network().save(tmp_path / "net")
    (name,) = given
    with pytest.raises(bpx.InputError, match=f"{name}=.* was given .* this file names .*omit"):
        bpx.load(tmp_path / "net", **given)


def torch_and_save():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import save_file

    return torch, save_file


@pytest.mark.parametrize("flatten", [False, True])
@pytest.mark.parametrize("biases", [(True, True), (False, True), (True, False)])
def test_a_sequential_of_pytorch(tmp_path, flatten, biases):
    torch, save_file = torch_and_save()
    nn = torch.nn
    first = [nn.Flatten()] * flatten
    one, other = nn.Linear(4, 5, bias=biases[0]), nn.Linear(5, 3, bias=biases[1])
    theirs = nn.Sequential(*first, one, nn.Tanh(), other, nn.Sigmoid())
    save_file(theirs.state_dict(), tmp_path / "net")
    ours = bpx.load(tmp_path / "net", hidden="tanh")
    assert [layer.bias for layer in ours.spec.layers] == [b is not None for b in ours.biases]
    assert tuple(layer.bias for layer in ours.spec.layers) == biases
    x = torch.rand(6, 4)
    np.testing.assert_allclose(
        ours.predict(x).numpy(), theirs(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (lambda nn: [nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)], "'1.weight' is"),
        (lambda nn: [nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Linear(5, 3)], "as in a convolution"),
        (lambda nn: [nn.Linear(4, 3).half()], "is float16"),
        (lambda nn: [nn.Linear(4, 3).bfloat16()], "is bfloat16"),
        (
            lambda nn: [nn.Linear(4, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 3)],
            "rename the keys so that at most one number is skipped",
        ),
    ],
)
def test_a_sequential_of_other_layers(tmp_path, layers, said):
    torch, save_file = torch_and_save()
    theirs = torch.nn.Sequential(*layers(torch.nn))
    save_file(theirs.state_dict(), tmp_path / "net")
    with pytest.raises(bpx.FileFormatError, match=said):
        bpx.load(tmp_path / "net", output="softmax", hidden="relu")


def test_what_is_saved_with_dropout_loads_in_a_sequential(tmp_path):
    torch, _ = torch_and_save()
    from safetensors.torch import load_file

    nn = torch.nn
    ours = bpx.Network([4, 5, 3], hidden="relu", output="identity", dropout=0.5, seed=1)
    ours.save(tmp_path / "net")
    theirs = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3)).eval()
    theirs.load_state_dict(load_file(tmp_path / "net"))
    x = torch.rand(6, 4)
    np.testing.assert_allclose(
        theirs(x).detach().numpy(), ours.predict(x).numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_what_is_saved_with_a_norm_loads_in_a_sequential(tmp_path, norm):
    torch, _ = torch_and_save()
    from safetensors.torch import load_file

    nn = torch.nn
    ours = bpx.Network([4, 5, 3], hidden="relu", output="identity", norm=norm, seed=1)
    ours.parameters = bpx.optim.mapped(lambda p: p + 0.1, ours.parameters)
    ours.save(tmp_path / "net")
    between = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}[norm](5)
    theirs = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), between, nn.Linear(5, 3)).eval()
    theirs.load_state_dict(load_file(tmp_path / "net"))
    x = torch.rand(6, 4)
    np.testing.assert_allclose(
        theirs(x).detach().numpy(), ours.predict(x).numpy(), rtol=1e-5, atol=1e-6
    )


def with_schema(path, change):
    """Save a network with a schema, its description changed."""
    table = {"a": [1.0, 2.0], "k": ["x", "y"]}
    schema = bpx.data.Schema.fit(table, target="k")
    bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0).save(path)
    with safe_open(path, framework="numpy") as file:
        described = json.loads(file.metadata()["bpx"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(described["schema"])
    safetensors.save_file(arrays, path, {"bpx": json.dumps(described)})


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema.pop("features"),
        lambda schema: schema.update(features=[]),
        lambda schema: schema.update(named="no"),
        lambda schema: schema["features"][0].update(scale=0),
        lambda schema: schema["features"][0].update(levels="xy", encoding="one-hot"),
        lambda schema: schema["target"].update(classes=["x"]),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path, change):
    with_schema(tmp_path / "net", change)
    with pytest.raises(bpx.FileFormatError):
        bpx.load(tmp_path / "net")


def test_a_schema_of_another_width_is_refused(tmp_path):
    def two(schema):
        schema["features"].append({**schema["features"][0], "name": "b"})

    with_schema(tmp_path / "net", two)
    with pytest.raises(bpx.FileFormatError, match=r"does not fit its own schema: .*2 inputs"):
        bpx.load(tmp_path / "net")


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (bpx.load, "none.safetensors"),
        (bpx.data.read, "none.csv"),
        (bpx.data.read_table, "none.csv"),
        (bpx.data.read_table, "none.parquet"),
    ],
)
def test_a_file_that_is_not_there_is_what_python_calls_it(tmp_path, read, name):
    with pytest.raises(FileNotFoundError, match=r"there is no|does not exist") as raised:
        read(tmp_path / name)
    assert isinstance(raised.value, bpx.InputError)


def test_a_run_is_loaded_by_its_folder(tmp_path):
    net, x = network(), np.eye(4)
    run = tmp_path / "run"
    settings = {"epochs": 1, "batch_size": 2, "optimizer": bpx.SGD(0.1), "checkpoint": run}
    net.fit(x, [0, 1, 2, 0], **settings)
    for given in (run, str(run)):
        np.testing.assert_array_equal(bpx.load(given).predict(x), net.predict(x))
    with pytest.raises(bpx.MissingFileError, match=r"is a folder without model.safetensors"):
        bpx.load(tmp_path)
