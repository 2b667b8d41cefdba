"""Networks in C against NumPy: random architectures, their answers and their training steps.

::

    python -m tools.c_trials [--answers N] [--trainings N] [--compilers NAMES] [--some N]

The answers of random networks, in float32 and float64, must be those of `Network.predict`, and
50 steps of Adam and of SGD with momentum must leave the state that a `bpx.Trainer` has, up to
rounding: 1e-5 of the norm in float32, and 1e-12 in float64. gcc and clang compile all of them,
with warnings as errors; ``--some`` of them also run under valgrind, and as WebAssembly in Node
and in wasmtime. Without options, this takes some minutes.

A few trainings amplify rounding so much that NumPy does not repeat itself within these limits
from weights that differ by one unit in the last place. They are counted, and say nothing.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np

import bpx
from bpx.program.contract import named_leaves
from tests.architectures import random_network, random_samples
from tools.c_programs import COMPILERS, Answered, Trained, form_of, run, state_of

__all__ = [
    "LIMITS",
    "OPTIMIZERS",
    "Training",
    "answering",
    "main",
    "trained",
    "training",
    "trainings",
]

DTYPES: tuple[bpx.Dtype, ...] = "float32", "float64"
LIMITS = {"float32": 1e-5, "float64": 1e-12}
OPTIMIZERS = {"Adam": bpx.Adam(1e-3), "SGD with momentum": bpx.SGD(0.01, momentum=0.9)}
STEPS, BATCH = 50, 16
ALL, SOME = ("gcc", "clang"), ("valgrind", "gcc -O3", "node", "wasmtime")
AT_ONCE = 20


class Training(NamedTuple):
    """A training in C, and what NumPy made of the same samples.

    Attributes
    ----------
    made : Trained
    costs : ndarray, shape (STEPS,)
    state : dict of str to ndarray
    own : float
        How far NumPy's weights are from those that it has from weights one unit in the last
        place away.
    """

    made: Trained
    costs: np.ndarray
    state: dict[str, np.ndarray]
    own: float

    @property
    def limit(self) -> float:
        """How far C may be away."""
        return LIMITS[self.made.x.dtype.name]

    @property
    def says_nothing(self) -> bool:
        """Whether NumPy does not repeat itself."""
        return not self.own < self.limit / 10

    @property
    def written(self) -> int:
        """The bytes that the program writes."""
        return self.costs.nbytes + form_of(list(self.state.items())).itemsize

    def distance(self, written: bytes) -> float:
        """How far C's costs and state are from NumPy's; infinite if a counter differs."""
        cost = self.costs.nbytes
        state = state_of(written[cost:], list(self.state.items()))
        floats = [p for p, each in self.state.items() if each.dtype.kind == "f"]
        others = [p for p in self.state if p not in floats]
        if not all(np.array_equal(state[p], self.state[p]) for p in others):
            return np.inf
        costs = np.frombuffer(written[:cost], self.costs.dtype)
        each = [apart([state[p] for p in floats], [self.state[p] for p in floats])]
        return max(*each, apart([costs], [self.costs]))


def apart(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """The norm of the difference, relative to that of what is expected."""
    one, other = (np.concatenate([np.ravel(x) for x in each]) for each in (found, expected))
    scale = float(np.linalg.norm(other)) or 1.0
    return float(np.linalg.norm(one.astype(np.float64) - other)) / scale


def answering(seed: int, dtype: bpx.Dtype) -> tuple[Answered, np.ndarray]:
    """A random network with some samples, and NumPy's answers."""
    net, n = random_network(seed, dtype), 1 + seed % 4
    x, name = random_samples(net, n, seed), f"net{seed}_{dtype}"
    text = net.to_c(name=name, batch_size=n)
    return Answered(name, text, x, net.sizes[-1]), net.predict(x)


@cache
def training(seed: int, dtype: bpx.Dtype, rule: str) -> Training:
    """The training of a random network, in C and on NumPy."""
    net = random_network(seed, dtype)
    x = np.stack([random_samples(net, BATCH, STEPS * seed + i) for i in range(STEPS)])
    y, targets = _targets(net, seed)
    return trained(f"net{seed}_{dtype}", net, OPTIMIZERS[rule], (x, y), targets, seed)


def trained(
    name: str,
    net: Any,
    optimizer: Any,
    samples: tuple[np.ndarray, np.ndarray],
    targets: str,
    seed: int,
) -> Training:
    """The training of a network on the samples of each step, in C and on NumPy."""
    x, y = samples
    given = {"batch_size": x.shape[1], "optimizer": optimizer, "seed": seed}
    text = net.to_c(name=name, training=True, targets=targets, **given)
    other = copy(net)
    other.parameters = _moved(net.parameters)
    costs, state = _on_numpy(net, optimizer, x, y, seed)
    _, near = _on_numpy(other, optimizer, x, y, seed)
    weights = [p for p in state if p.startswith("parameters")]
    own = apart([near[p] for p in weights], [state[p] for p in weights])
    return Training(Trained(name, text, x, y), costs, state, own)


def _targets(net: Any, seed: int) -> tuple[np.ndarray, str]:
    rng, k = np.random.default_rng(seed), net.sizes[-1]
    if net.spec.output.name in ("softmax", "sigmoid"):
        return rng.integers(0, k, (STEPS, BATCH)).astype(np.int32), "labels"
    return rng.uniform(-0.9, 0.9, (STEPS, BATCH, k)).astype(net.home.dtype), "numbers"


def _on_numpy(
    net: Any, optimizer: Any, x: np.ndarray, y: np.ndarray, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    trainer = bpx.Trainer(net, optimizer=optimizer, seed=seed, compile=False)
    costs = [trainer.step(*each).cost for each in zip(x, y, strict=True)]
    after = trainer.state
    parts = {"parameters": after.parameters, "optimizer": after.optimizer,
             "feedback": after.feedback, "randomness": after.randomness}  # fmt: skip
    named = (pair for name, part in parts.items() for pair in named_leaves(part, name))
    return np.array(costs), {place: np.asarray(each) for place, each in named}


def _moved(parameters: Any) -> Any:
    """Parameters one unit in the last place away."""
    arrays = (x if x is None else np.nextafter(x, np.inf) for _, x in parameters.branches())
    return parameters.grown([x if x is None else x.astype(x.dtype) for x in arrays])


def trainings(wanted: int, dtype: bpx.Dtype, rule: str) -> Iterator[Training]:
    """Yield trainings until so many say something."""
    said = 0
    for seed in count():
        if said == wanted:
            return
        made = training(seed, dtype, rule)
        said += not made.says_nothing
        yield made


def _check_answers(wanted: int, compiler: str, dtype: bpx.Dtype) -> list[str]:
    """Return what is wrong."""
    wrong, worst = [], 0.0
    for first in range(0, wanted, AT_ONCE):
        seeds = range(first, min(first + AT_ONCE, wanted))
        pairs = [answering(seed, dtype) for seed in seeds]
        written, at = run(compiler, [made for made, _ in pairs]), 0
        for made, expected in pairs:
            part, at = written[at : at + made.written], at + made.written
            far = apart([np.frombuffer(part, dtype).reshape(expected.shape)], [expected])
            worst = max(worst, far)
            if not far < LIMITS[dtype]:
                wrong.append(f"{compiler}: {made.name} answers {far:.1e} away")
    print(f"{compiler}: {wanted} answers in {dtype}, at most {worst:.1e} away", flush=True)
    return wrong


def _check_trainings(wanted: int, compiler: str, dtype: bpx.Dtype, rule: str) -> list[str]:
    wrong, worst, counts = [], 0.0, Counter[str]()
    for each in trainings(wanted, dtype, rule):
        counts["say nothing" if each.says_nothing else "compared"] += 1
        if each.says_nothing:
            continue
        far = each.distance(run(compiler, [each.made]))
        worst = max(worst, far)
        if not far < each.limit:
            wrong.append(f"{compiler}: {each.made.name} with {rule} trains {far:.1e} away")
    print(
        f"{compiler}: {counts['compared']} trainings of {STEPS} steps of {rule} in {dtype}, at "
        f"most {worst:.1e} away ({counts['say nothing']} others say nothing)",
        flush=True,
    )
    return wrong


def main(given: Sequence[str] | None = None) -> int:
    """Run the trials; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="networks in C against NumPy")
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=20)
    parser.add_argument("--some", type=int, default=10)
    parser.add_argument("--compilers", default=",".join((*ALL, *SOME)))
    options = parser.parse_args(given)
    wrong: list[str] = []
    for compiler in options.compilers.split(","):
        if why := COMPILERS[compiler].missing:
            print(f"{compiler}: skipped: {why}")
            continue
        some = options.some if compiler in SOME else None
        answers, steps = (some, min(some, 3)) if some else (options.answers, options.trainings)
        for dtype in DTYPES:
            wrong += _check_answers(min(answers, options.answers), compiler, dtype)
            for rule in OPTIMIZERS if min(steps, options.trainings) else ():
                few = min(steps, options.trainings)
                wrong += _check_trainings(few, compiler, dtype, rule)
    print("\n".join(wrong) or "nothing is wrong")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
