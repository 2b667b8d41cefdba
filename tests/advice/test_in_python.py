"""What a message advises in Python is followed to the letter, and works.

Each mistake is made; the code in its message is cut out and run in its place.
"""

import re
import warnings
from typing import NamedTuple

import numpy as np
import pytest

import bpx

SETTINGS = {"epochs": 1, "batch_size": 4, "seed": 0}


class Mistake(NamedTuple):
    """What comes before, the line that is refused, where the advice is, and its use."""

    before: str
    wrong: str
    advice: str
    then: str


def fit(x="x", y="y", net="net"):
    return f"{net}.fit({x}, {y}, optimizer=bpx.SGD(0.1), **SETTINGS)"


NET = "net = bpx.Network([3, 4, 2], seed=0)"
ONE = "net = bpx.Network([3, 4, 1], seed=0)"
TIMES = "x[:, 1] = 1.7e9 + np.arange(12); " + NET
IN_THOUSANDS = "x[:, 1] *= 1e6; " + NET
FAR = "y = np.linspace(25.0, 346.0, 12); " + ONE
PAIRS = "data = [(each[:, None], np.eye(2)[int(i)][:, None]) for each, i in zip(x, y)]; " + NET
TRAIN = "[*bpx.train(net, {}, optimizer=bpx.SGD(0.1), **SETTINGS)]"

MISTAKES = {
    "images": Mistake(
        "x = np.ones((12, 2, 3)); net = bpx.Network([6, 2])",
        "net.predict(x)",
        r": (x\.reshape\(.*\))$",
        "net.predict({})",
    ),
    "one input": Mistake(
        "x = np.ones(5); net = bpx.Network([1, 2])",
        "net.predict(x)",
        ": (x.*)$",
        "net.predict({})",
    ),
    "one sample": Mistake(
        NET, "net.predict(x[0])", r"is (x\[None, :\])$", "x = x[0]; net.predict({})"
    ),
    "samples in columns": Mistake(
        NET, "net.predict(x.T)", r": (x\.T)$", "x = x.T; net.predict({})"
    ),
    "labels in a column": Mistake(
        NET + "; y = y[:, None]", fit(), r": (y\[:, 0\])$", fit(y="{}")
    ),
    "classes of text": Mistake(
        NET + "; y = ['no', 'yes'] * 6", fit(), r"classes, (np\.unique.*\[1\]), or", fit(y="{}")
    ),
    "classes from 1": Mistake(
        NET + "; y = y + 1", fit(), r"from 0: (np\.unique.*\[1\])$", fit(y="{}")
    ),
    "two classes from 1": Mistake(
        ONE + "; y = y + 1", fit(), r"from 0: (np\.unique.*\[1\])$", fit(y="{}")
    ),
    "two classes from 1, as probabilities": Mistake(
        "net = bpx.Network([3, 1], cost='cross_entropy'); y = y + 1",
        fit(),
        r"from 0: (np\.unique.*\[1\])$",
        fit(y="{}"),
    ),
    "out of reach, another output": Mistake(
        FAR, fit(), "use (output='identity')", "net = bpx.Network([3, 1], {}); " + fit()
    ),
    "out of reach, scaled": Mistake(FAR, fit(), r": (np\.interp\(.*\))$", fit(y="{}")),
    "times, scaled": Mistake(TIMES, fit(), r"scale them: (\(x.*\)); or", fit(x="{}")),
    "times, in float64": Mistake(
        TIMES,
        fit(),
        "use (dtype='float64')",
        # which still warns of the sizes, as it should
        "net = bpx.Network([3, 2], {}); warnings.simplefilter('ignore'); " + fit(),
    ),
    "sizes": Mistake(IN_THOUSANDS, fit(), r"one scale: (\(x.*\))$", fit(x="{}")),
    "objects": Mistake(NET + "; x = x.astype(object)", fit(), r": (x\.astype.*)$", fit(x="{}")),
    "words": Mistake(NET + "; x = x.astype(str)", fit(), r": (x\.astype.*)$", fit(x="{}")),
    "a list of words": Mistake(
        NET + "; x = x.astype(str).tolist()", fit(), r": (np\.asarray.*)$", fit(x="{}")
    ),
    "masked": Mistake(
        NET + "; x = np.ma.masked_less(x, 0.1)",
        fit(),
        r"\((x\.filled\(\.\.\.\))\)",
        fit(x="{}"),
    ),
    "a list of samples": Mistake(
        PAIRS,
        TRAIN.format("data"),
        r"samples, (.*)$",
        "exec({!r}.replace(' and ', '; ')); " + TRAIN.format("(x, y)"),
    ),
    "samples of a zip": Mistake(
        PAIRS + "; data = zip(x, y)",
        TRAIN.format("data"),
        r"first, (data = list\(data\)), and",
        "{}; assert len(data) == 12",
    ),
    "another library": Mistake(
        "net = bpx.Network([3, 2], backend='strict')",
        "net.forward(x)",
        r"pass (bpx\.move_to.*)$",
        "net.forward({})",
    ),
    "another dtype": Mistake(
        NET, "net.forward(x)", r"pass (bpx\.move_to.*)$", "net.forward({})"
    ),
    "a list": Mistake(
        NET + "; x = x.tolist()", "net.forward(x)", r"pass (bpx\.move_to.*)$", "net.forward({})"
    ),
    "row weights": Mistake(
        "net = bpx.Network([3, 2], dtype='float64'); r = np.ones(12)",
        "net.backprop(x, y, r=r)",
        r": (r\[:, None\])$",
        "net.backprop(x, y, r={})",
    ),
    "softmax alone": Mistake(
        "",
        "bpx.Network([3, 1], output='softmax')",
        "use (output='sigmoid')",
        "bpx.Network([3, 1], {})",
    ),
    "cross-entropy after tanh, another output": Mistake(
        "",
        "bpx.Network([3, 2], output='tanh', cost='cross_entropy')",
        "use (output='softmax')",
        "bpx.Network([3, 2], {}, cost='cross_entropy')",
    ),
    "cross-entropy after tanh, another cost": Mistake(
        "",
        "bpx.Network([3, 2], output='tanh', cost='cross_entropy')",
        "as (cost='quadratic')",
        "bpx.Network([3, 2], output='tanh', {})",
    ),
    "binary cross-entropy after relu": Mistake(
        "",
        "bpx.Network([3, 2], output='relu', cost='binary_cross_entropy')",
        "needs (output='sigmoid')",
        "bpx.Network([3, 2], {}, cost='binary_cross_entropy')",
    ),
    "Nesterov without momentum": Mistake(
        "",
        "bpx.SGD(0.1, nesterov=True)",
        r"as (momentum=0\.9)$",
        "bpx.SGD(0.1, nesterov=True, {})",
    ),
    "classes of numbers": Mistake(
        "net = bpx.Network([3, 1], output='tanh')",
        "net.classify(x)",
        "or (output='sigmoid')",
        "bpx.Network([3, 1], {}).classify(x)",
    ),
    "metrics without validation": Mistake(
        NET,
        fit().replace("**SET", "metrics=['absolute_error'], **SET"),
        r"give (validation=\(x, y\)), or",
        fit().replace("**SET", "metrics=['absolute_error'], {}, **SET"),
    ),
    "metrics without validation, measured": Mistake(
        NET,
        fit().replace("**SET", "metrics=['absolute_error'], **SET"),
        r"by (net\.evaluate\(x, y, metrics=\.\.\.\))",
        "{}",
    ),
    "an optimizer's name": Mistake(
        NET,
        fit().replace("bpx.SGD(0.1)", "'sgd'"),
        r"expected (bpx\.SGD\(eta\))",
        "eta = 0.1; " + fit().replace("bpx.SGD(0.1)", "{}"),
    ),
    "no feedback": Mistake(
        "net = bpx.Network([3, 4, 2], feedback='fa', dtype='float64')",
        "bpx.backprop(net.spec, net.parameters, x, y)",
        "pass (feedback=net.feedback)$",
        "bpx.backprop(net.spec, net.parameters, x, y, {})",
    ),
    "no array": Mistake(
        "x = x.tolist()",
        "bpx.namespace(x)",
        r"with (bpx\.asarray\(x, backend=\.\.\.\))$",
        "bpx.namespace({})",
    ),
    "a network for a trace": Mistake(
        "net = bpx.Network([3, 2], dtype='float64')",
        "bpx.inspect.gradient_norms(net)",
        r"(net\.backprop\(x, y\))",
        "bpx.inspect.gradient_norms({})",
    ),
    "a pair of arrays as parameters": Mistake(
        "net = bpx.Network([3, 2], dtype='float64'); w, b = net.weights, net.biases",
        "bpx.Parameters(w, b)",
        r": (bpx\.Parameters\.dense\(w, b\)) makes",
        "{}.dense",
    ),
    "a custom part": Mistake(
        "mine = bpx.Elementwise('mine', lambda z: z, lambda z, a: 0.0 * z + 1.0); "
        "net = bpx.Network([3, 2], output=mine); net.save(tmp_path / 'saved')",
        "bpx.load(tmp_path / 'saved')",
        r"pass (custom=\{'mine': \.\.\.\})$",
        "bpx.load(tmp_path / 'saved', {})",
    ),
    "a header beside numbers": Mistake(
        "(tmp_path / 'a.csv').write_text('a,2\\n1,0\\n')",
        "bpx.data.read(tmp_path / 'a.csv')",
        "(header=True)",
        "bpx.data.read(tmp_path / 'a.csv', {})",
    ),
    "one column": Mistake(
        "(tmp_path / 'a.csv').write_text('a\\n1\\n')",
        "bpx.data.read(tmp_path / 'a.csv')",
        "pass (target=None)",
        "bpx.data.read(tmp_path / 'a.csv', {})",
    ),
    "keys of another name": Mistake(
        "path = tmp_path / 'a.npz'; np.savez(path, a=x, b=y)",
        "bpx.data.read(path)",
        r"with (numpy\.savez\(path, x=\.\.\., y=\.\.\.\))$",
        "numpy = np; {}; bpx.data.read(path)",
    ),
    "a name misspelt": Mistake(
        "",
        "bpx.Network([3, 4, 2], hidden='rellu')",
        "did you mean ('relu')",
        "bpx.Network([3, 4, 2], hidden={})",
    ),
}

FILLED_IN = {
    "x.filled(...)": "x.filled(0.0)",
    "metrics=...": "metrics=['absolute_error']",
    "backend=...": "backend='numpy'",
    "x=..., y=...": "x=x, y=y",
    "'mine': ...": "'mine': mine",
}
"""What a person puts where a message has three dots."""


@pytest.mark.parametrize("name", MISTAKES)
def test_advice_that_is_followed_works(name, tmp_path):
    mistake = MISTAKES[name]
    if "strict" in mistake.before:
        pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    rng = np.random.default_rng(0)
    scope = {
        "bpx": bpx,
        "np": np,
        "warnings": warnings,
        "SETTINGS": SETTINGS,
        "tmp_path": tmp_path,
        "x": rng.random((12, 3)),
        "y": np.arange(12) % 2,
    }
    exec(mistake.before, scope)
    with pytest.raises((bpx.BpxError, bpx.DataWarning)) as refused:
        exec(mistake.wrong, scope)
    found = re.search(mistake.advice, str(refused.value))
    assert found, str(refused.value)
    code = found[1]
    for dots, meant in FILLED_IN.items():
        code = code.replace(dots, meant)
    with warnings.catch_warnings():
        exec(mistake.then.format(code), scope)


@pytest.mark.parametrize("what", ["x", "y"])
def test_texts_are_kept_in_a_table_as_advised(what):
    for package in ("pyarrow", "narwhals"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    texts = np.array(["red", "green", "blue"] * 20)
    number, y = np.random.default_rng(0).random(60), np.array(["no", "yes"] * 30)
    columns = {"a": number, "b": texts, "y": y}
    net = bpx.Network([2, 4, 2], seed=0)
    wrong = (
        (np.c_[number, texts], np.arange(60) % 2) if what == "x" else (np.c_[number, number], y)
    )
    with pytest.raises(bpx.InputError) as refused:
        net.fit(*wrong, optimizer=bpx.SGD(0.1), **SETTINGS)
    schema, reader = (
        re.search(pattern, str(refused.value))[1]
        for pattern in (
            r"(schema=bpx\.data\.Schema\.fit\(.*?\))",
            r"or (bpx\.data\.as_table)\)",
        )
    )
    table = eval(reader, {"bpx": bpx})(columns)
    made = eval(f"dict({schema.replace('...', repr('y'))})", {"bpx": bpx, "table": table})
    sizes = [made["schema"].width, 4, made["schema"].target.outputs]
    settings = {"output": "sigmoid", "cost": "cross_entropy", "seed": 0}
    bpx.Network(sizes, **settings, **made).fit(table, optimizer=bpx.SGD(0.1), **SETTINGS)


def test_advice_for_what_is_transformed_works():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    net = bpx.Network([3, 4, 2], seed=0, backend="jax")
    x, y = jax.numpy.ones((5, 3), "float32"), jax.numpy.zeros(5, dtype="int32")
    with pytest.raises(bpx.InputError) as refused:
        jax.jit(net.predict)(x)
    for code in re.findall(r"bpx\.\w+\(net\.[^)]*\)(?:\.a\[-1\])?", str(refused.value)):
        jax.jit(lambda x, y, code=code: eval(code, {"bpx": bpx, "net": net, "x": x, "y": y}))(
            x, y
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": "sigmoid", "sizes": [3, 8, 8, 8, 8, 8, 8, 2]},
        {"hidden": "relu", "bias": -50.0},
        {"hidden": "tanh", "weight": 500.0},
        {"output": "relu", "bias": -50.0},
        {"output": "tanh", "bias": -50.0},
        {"output": "sigmoid", "bias": -12.0},
    ],
)
def test_settings_that_a_diagnosis_advises_make_a_network(settings):
    sizes, bias, weight = (
        settings.pop(k, v) for k, v in (("sizes", [3, 6, 2]), ("bias", 0.0), ("weight", 1.0))
    )
    net = bpx.Network(sizes, seed=0, **settings)
    net.parameters = (
        [weight * w for w in net.weights],
        [b + np.float32(bias) for b in net.biases],
    )
    x = np.random.default_rng(0).random((40, 3))
    y = x[:, :2] if settings.get("output") in ("relu", "tanh") else np.arange(40) % 2
    advised = [each.advice for each in bpx.inspect.diagnose(bpx.inspect.examine(net, x, y))]
    assert advised
    named = re.findall(r"(\w+)=('\w+')", " ".join(advised))
    assert named
    for name, value in named:
        also = {"output": "'sigmoid'"} if name == "cost" else {}
        given = {**also, name: value}
        code = ", ".join(f"{n}={v}" for n, v in given.items())
        eval(f"bpx.Network([3, 6, 2], {code})", {"bpx": bpx})
