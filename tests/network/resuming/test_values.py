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
        {"$value": "bpx.optim.optimizers.SGD", "fields": {"rate": 3}},
    ],
)  # fmt: skip
def test_a_file_names_nothing_but_rules_and_values_of_bpx(told):
    with pytest.raises(bpx.FileFormatError, match="this version"):
        restored(told)
