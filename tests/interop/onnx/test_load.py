"""`from_onnx`: files, other programs' models, and what strangers may send."""

from random import Random

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples
from tests.export.onnx.runtime import answers
from tests.interop.onnx.models import bare, onnx


def test_a_file_its_content_and_a_model(tmp_path):
    net = bpx.Network([3, 4, 2], seed=0)
    model = net.to_onnx(tmp_path / "net.onnx")
    x = np.ones((2, 3), np.float32)
    for given in (
        tmp_path / "net.onnx",
        str(tmp_path / "net.onnx"),
        model,
        bytes(model.SerializeToString()),
    ):
        assert (bpx.from_onnx(given).predict(x) == net.predict(x)).all()


def test_what_is_no_file(tmp_path):
    with pytest.raises(bpx.MissingFileError, match=r"there is no file .*; expected an ONNX"):
        bpx.from_onnx(tmp_path / "no.onnx")
    with pytest.raises(bpx.FileFormatError, match="cannot be read"):
        bpx.from_onnx(tmp_path)
    (tmp_path / "no.onnx").write_bytes(b"hello")
    with pytest.raises(bpx.FileFormatError, match=r"no.onnx is truncated or no ONNX model"):
        bpx.from_onnx(tmp_path / "no.onnx")


class Program:
    """PyTorch's ONNXProgram, which makes the model when it is asked for."""

    @property
    def model_proto(self):
        raise AssertionError("it was asked for")


def test_what_is_no_model():
    accepted = r"expected a path, the bytes of a file, or an onnx\.ModelProto"
    with pytest.raises(bpx.InputError, match=rf"^a builtins\.int was given; {accepted}$"):
        bpx.from_onnx(3)
    with pytest.raises(
        bpx.InputError, match=rf"Program was given; {accepted}: pass its model_p"
    ):
        bpx.from_onnx(Program())


def test_arrays_in_another_file(tmp_path):
    net, path = bpx.Network([3, 4, 2], seed=0), tmp_path / "net.onnx"
    settings = {"save_as_external_data": True, "location": "net.data", "size_threshold": 0}
    onnx.save(bare(net), path, **settings)
    with pytest.raises(bpx.FileFormatError, match=r"external_data=False\) writes one, and bpx"):
        bpx.from_onnx(path)
    x = np.ones((2, 3), np.float32)
    assert (bpx.from_onnx(onnx.load(path)).predict(x) == net.predict(x)).all()


@pytest.mark.parametrize(
    ("output", "cost"),
    [("softmax", "categorical_cross_entropy"), ("sigmoid", "binary_cross_entropy")],
)
def test_a_model_that_ends_with_the_logits(output, cost):
    logits = bpx.Network([3, 4, 2], hidden="relu", output="identity", seed=0)
    net = bpx.from_onnx(bare(logits), output=output)
    assert (net.spec.output.name, net.spec.cost.name) == (output, cost)
    x = np.ones((2, 3), np.float32)
    expected = bpx.activations.ACTIVATIONS[output].sigma(logits.predict(x))
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-6)
    given = bpx.from_onnx(bare(logits), output=output, cost="quadratic")
    assert given.spec.cost == bpx.costs.quadratic
    with pytest.raises(bpx.InputError, match="the model names its output; omit it"):
        bpx.from_onnx(logits.to_onnx(), output=output)
    with pytest.raises(
        bpx.InputError, match=rf"of the model has the activation '{output}' alr"
    ):
        bpx.from_onnx(bare(net), output=output)


def test_options():
    net = bpx.Network([3, 4, 2], output="softmax", cost="cross_entropy", seed=0)
    assert bpx.from_onnx(bare(net), cost="quadratic").spec.cost == bpx.costs.quadratic
    assert bpx.from_onnx(bare(net), dtype="float64").home.dtype == "float64"
    assert bpx.from_onnx(net.to_onnx(), backend="numpy", dtype="float64").seed == 0
    with pytest.raises(bpx.InputError, match=r"cost='mae' was given, but the model names its"):
        bpx.from_onnx(net.to_onnx(), cost="mae")


def test_it_can_be_trained_further():
    net = bpx.from_onnx(bare(random_network(3)))
    x = np.random.default_rng(0).normal(size=(64, net.sizes[0]))
    y = np.arange(64) % net.sizes[-1]
    before = net.evaluate(x, y).cost
    net.fit(x, y, epochs=20, batch_size=16, optimizer=bpx.Adam(1e-2), seed=0)
    assert net.evaluate(x, y).cost < before


ACTIVATIONS = {
    "ReLU": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "Softplus": "softplus",
    "SiLU": "silu",
    "GELU": "gelu_tanh",
    "Identity": "identity",
}


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of its exporter
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_pytorch(name, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    torch.manual_seed(0)
    sigma = nn.GELU("tanh") if name == "GELU" else getattr(nn, name)()
    module = nn.Sequential(
        nn.Linear(4, 5), sigma, nn.LayerNorm(5), nn.Linear(5, 5, bias=False),
        nn.BatchNorm1d(5), nn.Dropout(0.2), nn.Linear(5, 2), nn.Softmax(-1),
    ).eval()  # fmt: skip
    x, path = torch.randn(7, 4), tmp_path / "net.onnx"
    torch.onnx.export(module, (x,), path, dynamo=False, opset_version=17)
    net = bpx.from_onnx(path)
    assert net.spec.dense[0].activation.name == ACTIVATIONS[name]
    np.testing.assert_allclose(net.predict(x.numpy()), module(x).detach().numpy(), atol=1e-6)


def test_a_regressor_of_scikit_learn():
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is missing")
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    options = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 500}
    fitted = neural.MLPRegressor(**options, tol=1e-1).fit(x, x[:, 1])
    net = bpx.from_onnx(skl2onnx.to_onnx(fitted, x[:1]))
    np.testing.assert_allclose(net.predict(x)[:, 0], fitted.predict(x), atol=1e-5)


@pytest.mark.parametrize("fitted_in", ["float32", "float64"])
@pytest.mark.parametrize("converted_in", ["float32", "float64"])
@pytest.mark.parametrize("ours", [True, False])
def test_a_classifier_of_scikit_learn(ours, converted_in, fitted_in):
    """skl2onnx casts what enters the layers, and the probabilities of bpx's estimator."""
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is missing")
    if ours:
        from bpx import sklearn as neural

        neural.register_converters()
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(fitted_in)
    settings = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 500, "tol": 1e-1}
    fitted = neural.MLPClassifier(**settings).fit(x, np.arange(60) % 3)
    first = x[:1].astype(converted_in)
    net = bpx.from_onnx(skl2onnx.to_onnx(fitted, first, options={"zipmap": False}))
    assert net.spec.cost == bpx.costs.categorical_cross_entropy
    np.testing.assert_allclose(net.predict(x), fitted.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("name", [b"Relu", b"network", b"weight"])
def test_names_that_are_no_text(name):
    content = bare(bpx.Network([3, 2], output="relu", seed=0)).SerializeToString()
    with pytest.raises(bpx.FileFormatError, match="a name is no text: 'utf-8' codec"):
        bpx.from_onnx(content.replace(name, name[:-1] + b"\xff"))


def mutated(rng, content):
    """A file with a few bytes changed, moved, left out or put in."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at, other = rng.randrange(len(content)), rng.randrange(len(content))
        kind = rng.randrange(5)
        if kind < 3:
            content[at] = rng.choice((content[at] ^ (1 << rng.randrange(8)), 0, 255))
        elif kind == 3:
            del content[at : at + rng.randrange(1, 9)]
        else:
            content[at:at] = content[other : other + rng.randrange(1, 64)]
    return bytes(content)


def restructured(rng, model):
    """A model with a few fields changed, which its bytes hardly ever show."""
    graph = model.graph
    node, tensor = rng.choice(graph.node), rng.choice(graph.initializer)
    names = [name for each in graph.node for name in (*each.input, *each.output)]
    kind = rng.randrange(9)
    if kind == 0 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif kind == 1:
        node.output[0] = rng.choice(names)
    elif kind == 2:
        node.op_type = rng.choice(graph.node).op_type
    elif kind == 3:
        graph.node.remove(node)
    elif kind == 4 and tensor.dims:
        tensor.dims[0] = rng.choice((0, -1, 1, 7, 2**40))
    elif kind == 5:
        tensor.data_type = rng.randrange(20)
    elif kind == 6 and node.attribute:
        attribute = rng.choice(node.attribute)
        attribute.f, attribute.i = rng.choice((0.0, -1.0, float("nan"))), rng.randrange(-2, 3)
    elif kind == 7:
        graph.initializer.remove(tensor)
    else:
        node.input.append(rng.choice(names))
    return model


@pytest.mark.parametrize("seed", range(300))
def test_a_mutated_file_is_refused_or_read_rightly(seed):
    rng = Random(seed)
    net = random_network(rng.randrange(40))
    model = net.to_onnx() if rng.random() < 0.5 else bare(net)
    if seed % 2:
        for _ in range(rng.choice((1, 2))):
            model = restructured(rng, model)
        content = model.SerializeToString()
    else:
        content = mutated(rng, model.SerializeToString())
    try:
        net = bpx.from_onnx(content)
    except bpx.BpxError:
        return
    x = random_samples(net, 4, seed)
    try:
        found = next(iter(answers(onnx.load_from_string(content), {"x": x}).values()))
    except Exception:
        return  # the runtime is stricter, as about the types of attributes
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(net.predict(x), found, rtol=1e-4, atol=1e-5)
