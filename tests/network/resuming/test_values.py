"""Values as JSON, and back."""

import json
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.network.resuming.values import UntoldError, restored, told
from bpx.optim import Schedule, chain
from bpx.privacy import DPSGD, Mechanism


def halve(t, numbers):
    return numbers.start * 0.5**t


def there_and_back(value):
    return restored(json.loads(json.dumps(told(value), allow_nan=False)))


SCHEDULE = bpx.optim.warmup_cosine(0.1, warmup=3, steps=20)
VALUES = [
    None, True, 3, "text", 0.1, 1e-300, (1, (2.5, "a"), ()), [1, [2]], {"a": {"b": (1,)}},
    {1: 2.0, False: 3.0, "x": None}, {"$float": "no float"}, math.inf, (-math.inf,),
    bpx.SGD(0.5), bpx.SGD(SCHEDULE, momentum=0.9, nesterov=True), bpx.Adam(1e-3, beta1=0.8),
    bpx.AdamW(SCHEDULE, decay=0.3), bpx.optim.scale(-0.1),
    chain(bpx.optim.clip_by_global_norm(1.0), bpx.optim.momentum(0.9), bpx.Adam(SCHEDULE)),
    chain(bpx.optim.add_decayed_weights(0.1), bpx.optim.scale_by_adam(), bpx.SGD(0.2)),
    bpx.HealthProbe(samples=20), Mechanism(1.0, 0.1, 30, False),
    DPSGD(noise_multiplier=1.1, past=(Mechanism(1.0, 0.1, 30),), seed=3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_comes_back_equal_and_of_the_same_type(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)
    if hasattr(value, "update") and not isinstance(value, dict):
        assert back.update == value.update  # so that equal steps compile once
        assert hash(back) == hash(value)


@pytest.mark.parametrize("name", bpx.optim.OPTIMIZERS)
def test_every_optimizer_of_the_table(name):
    kind = bpx.optim.OPTIMIZERS[name]
    made = kind(kind.default_eta)
    assert there_and_back(made) == made


def test_nan_is_kept():
    assert math.isnan(there_and_back(math.nan))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_arrays_come_back_on_the_host(target, dtype):
    back = there_and_back(target.asarray([[0.1, 2.0], [3.0, 0.0]], dtype))
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, np.array([[0.1, 2.0], [3.0, 0.0]]).astype(dtype))


class Mine:
    pass


class Pair(NamedTuple):
    one: float
    other: float


@dataclass(frozen=True)
class Own:
    number: float = 1.0


@pytest.mark.parametrize(
    "value",
    [
        Mine(), Pair(1.0, 2.0), Own(), Mine, halve, print, {1, 2}, b"", lambda z: z,
        bpx.optim.Transformation(halve, halve), {"a": [Mine()]},
        Schedule(halve, SCHEDULE.numbers), bpx.activations.relu, 1j,
    ],
)  # fmt: skip
def test_what_json_cannot_hold(value):
    with pytest.raises(UntoldError):
        told(value)


@pytest.mark.parametrize(
    "told",
    [
        {"$function": "os.system"}, {"$function": "bpx.optim.chain.nothing"},
        {"$function": "bpx.data.reading.read"}, {"$function": "bpx.optim.chain.getattr_static"},
        {"$value": "bpx.optim.nothing.SGD", "fields": {}},
        {"$value": "bpx.network.network.Network", "fields": {}},
        {"$value": "subprocess.Popen", "fields": {"args": "ls"}},
        {"$value": "bpx.training.stopping.Stopping", "fields": {"rule": 1, "network": 2}},
        {"$value": "bpx.optim.optimizers.SGD", "fields": {"rate": 3}},
    ],
)  # fmt: skip
def test_a_file_names_nothing_but_rules_and_values_of_bpx(told):
    with pytest.raises(bpx.FileFormatError, match="this version"):
        restored(told)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(-3), -3),
        (np.uint8(7), 7),
        ([np.int32(1), (np.float64(math.inf),)], [1, (math.inf,)]),
        (bpx.Adam(np.float64(0.25)), bpx.Adam(0.25)),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        ({np.str_("a"): np.float32(2.0)}, {"a": 2.0}),
        ({np.int64(1): np.bool_(False)}, {1: False}),
    ],
    ids=str,
)
def test_scalars_of_numpy_are_those_of_python(value, expected):
    assert told(value) == told(expected)
    back = there_and_back(value)
    assert back == expected
    assert type(back) is type(expected)


def test_arrays_may_be_kept_elsewhere():
    kept = {}

    def keep(x):
        if x.dtype != "float32":
            return None
        kept[f"a{len(kept)}"] = x
        return f"a{len(kept) - 1}"

    value = {"best": [np.ones(3, "float32"), np.arange(2)], 1: (np.zeros(1, "float32"),)}
    text = json.dumps(told(value, keep))
    assert sorted(kept) == ["a0", "a1"]
    back = restored(json.loads(text), kept)
    assert back["best"][0] is kept["a0"]
    assert back[1][0] is kept["a1"]
    np.testing.assert_array_equal(back["best"][1], [0, 1])


def test_a_rule_of_early_stopping_is_a_value_of_bpx():
    rule = bpx.EarlyStopping(3, "f1", better="higher", warmup=2)
    assert there_and_back(rule) == rule
