"""Numbers that a caller gives, and names that are nearly right."""

import numpy as np
import pytest

import bpx
from bpx._validate import flag, number, pair, pair_or_triple, whole
from bpx.errors import nearest


@pytest.mark.parametrize("value", [1, 5, np.int64(3)])
def test_whole_numbers_within(value):
    assert whole("n", value, 1, 5, "…") == value
    assert type(whole("n", value, 1, 5, "…")) is int


@pytest.mark.parametrize("value", [0, 6, 2.0, "2", None, True, np.float64(2), [2]])
def test_others_are_refused(value):
    with pytest.raises(bpx.InputError, match=r"n=.* was given; expected one of five"):
        whole("n", value, 1, 5, "one of five")


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5)])
def test_numbers(value):
    assert number("eta", value, "…", lambda v: v > 0) == value


@pytest.mark.parametrize(
    "value", [-0.5, float("nan"), float("inf"), 10**400, "0.5", None, 1j, True, [1.0]]
)
def test_what_is_no_right_number(value):
    with pytest.raises(bpx.InputError, match=r"eta=.* was given; expected a positive"):
        number("eta", value, "a positive number", lambda v: v > 0)


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, np.array(True)])
def test_flags(value):
    assert flag("append", value) is bool(value)


def test_a_flag_of_any_library():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert flag("append", torch.tensor(True)) is True
    with pytest.raises(bpx.InputError, match="expected True or False"):
        flag("append", torch.tensor(1))


@pytest.mark.parametrize("value", ["no", "", 0, 1, None, np.int64(1), np.array([True])])
def test_what_is_no_flag(value):
    with pytest.raises(bpx.InputError, match=r"append=.* was given; expected True or False"):
        flag("append", value)


def fit(**given):
    net, x, y = bpx.Network([3, 2], seed=0), np.eye(3), [0, 1, 0]
    net.fit(x, y, epochs=1, batch_size=3, optimizer=bpx.SGD(0.1), **given)


def step(**given):
    bpx.Trainer(bpx.Network([3, 2]), optimizer=bpx.SGD(0.1)).step(np.eye(3), [0, 1, 0], **given)


def rates(**given):
    data, size = (np.eye(3), [0, 1, 0]), {"batch_size": 3, "steps": 2}
    bpx.learning_rate_range(bpx.Network([3, 2]), data, **size, optimizer=bpx.SGD(0.1), **given)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("bias", lambda **given: bpx.Dense(3, 2, "relu", **given)),
        ("unseen", lambda **given: bpx.Embedding(3, [0], [2], 4, **given)),
        ("nesterov", lambda **given: bpx.SGD(0.1, 0.9, **given)),
        ("nesterov", lambda **given: bpx.optim.momentum(0.9, **given)),
        ("centred", bpx.optim.RMSprop),
        ("bias_correction", bpx.optim.scale_by_rms),
        ("staircase", lambda **given: bpx.optim.exponential_decay(0.1, rate=0.9, **given)),
        ("restore_best", bpx.EarlyStopping),
        ("append", lambda **given: bpx.CSVLog("a", **given)),
        ("append", lambda **given: bpx.JSONLog("a", **given)),
        (
            "compile",
            lambda **given: bpx.Trainer(bpx.Network([3, 2]), optimizer=bpx.SGD(0.1), **given),
        ),
        ("trace", step),
        ("compile", rates),
        *((name, fit) for name in ("shuffle", "drop_last", "compile", "resume")),
    ],
)
def test_a_text_is_not_taken_for_true(name, make):
    with pytest.raises(bpx.InputError, match=f"{name}='no' was given; expected True or False"):
        make(**{name: "no"})


@pytest.mark.parametrize("make", [bpx.SGD, lambda v: bpx.Adam(beta1=v)])
@pytest.mark.parametrize("value", ["0.5", None, np.array([0.5, 0.1])])
def test_optimizers_refuse_what_is_no_number(make, value):
    with pytest.raises(bpx.InputError, match="was given; expected"):
        make(value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("gelu", "gelu_tanh"), ("Relu", "relu"), ("RELU", "relu"), ("sigmod", "sigmoid")],
)
def test_the_nearest_spelling(given, meant):
    assert nearest(given, bpx.activations.ACTIVATIONS) == f" (did you mean {meant!r}?)"


@pytest.mark.parametrize("given", ["", "zzzz"])
def test_no_spelling_is_near(given):
    assert nearest(given, bpx.activations.ACTIVATIONS) == ""


@pytest.mark.parametrize("init", [["book"], "", 3])
def test_what_is_no_initializer(init):
    with pytest.raises(bpx.InputError, match="no initializer"):
        bpx.Network([2, 2], init=init)


def test_a_pair_is_two():
    assert pair("data", [1, 2]) == (1, 2)


def test_a_pair_or_a_triple():
    assert pair_or_triple("validation", [1, 2]) == (1, 2, None)
    assert pair_or_triple("validation", (1, 2, 3)) == (1, 2, 3)
    with pytest.raises(bpx.InputError, match=r"validation is tuple; .* \(x, y, sample_weight"):
        pair_or_triple("validation", (1, 2, 3, 4))


@pytest.mark.parametrize("given", [(1,), (1, 2, 3), "xy", None])
def test_no_pair(given):
    with pytest.raises(
        bpx.InputError, match=f"data is {type(given).__name__}; expected a pair"
    ):
        pair("data", given)


@pytest.mark.parametrize("labels", ["whole", "one hot", "columns", "lists"])
@pytest.mark.parametrize("how", ["all", "zip", "two"])
def test_the_books_list_of_samples_is_told_how_to_be_stacked(labels, how):
    """Each sample a pair of a column and, in the book, a column or a label."""
    ys = {
        "whole": [0, 1, 1, 0],
        "one hot": np.eye(2)[[0, 1, 1, 0]],
        "columns": np.eye(2)[[0, 1, 1, 0]][..., None],
        "lists": [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
    }[labels]
    data = list(zip(np.random.default_rng(0).random((4, 3, 1)), ys, strict=True))
    data = data[:2] if how == "two" else data
    net, settings = bpx.Network([3, 2], seed=0), {"epochs": 1, "batch_size": 2}
    with pytest.raises(bpx.InputError, match=r"np\.stack|a list first") as refused:
        bpx.train(
            net, zip(*zip(*data, strict=True), strict=True) if how == "zip" else data,
            optimizer=bpx.SGD(1.0), **settings,
        )  # fmt: skip
    if how == "zip":
        assert "data = list(data)" in str(refused.value)
        return
    scope = {"np": np, "data": data}
    for line in str(refused.value).partition("its samples, ")[2].split(" and "):
        exec(line, scope)
    for _ in bpx.train(net, (scope["x"], scope["y"]), optimizer=bpx.SGD(1.0), **settings):
        pass


def test_a_whole_data_set_is_told_of_its_parts():
    part = bpx.data.Split(np.ones((2, 3)), np.array([0, 1]))
    with pytest.raises(bpx.InputError, match=r"data is Dataset; .*the data set's train"):
        pair("data", bpx.data.Dataset("mine", part, None, None))
    assert pair("data", part) == (part.x, part.y)


@pytest.mark.filterwarnings("error")
def test_a_bool_of_an_array_library_is_no_whole_number():
    """NumPy before 2.3 takes one as an index, with a warning."""
    for value in (True, np.bool(True), np.array(True)):
        with pytest.raises(bpx.InputError, match="expected a number"):
            whole("n", value, 0, None, "a number")
