"""Networks that differ by their seed alone, and how far apart training takes them."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import nan
from pathlib import Path
from typing import Any

from bpx._validate import whole
from bpx.arrays.host import HostArray, as_host, check_seed
from bpx.initializers import Initializer, InitializerName
from bpx.model import initial
from bpx.network.network import Network
from bpx.network.resuming.opening import folder_of
from bpx.training.records import Epoch, History

__all__ = ["Band", "Seeds", "seeds"]


@dataclass(frozen=True, eq=False, repr=False)
class Band:
    """One number of each epoch, over several trainings.

    Where some trainings stopped early, an epoch counts those that reached it.

    Attributes
    ----------
    mean, low, high : host array, shape (epochs,), float64
        The mean, the minimum and the maximum.
    std : host array, shape (epochs,), float64
        The sample standard deviation (over n - 1); NaN where only one training is left.
    count : host array, shape (epochs,), int64
        How many trainings reached the epoch.
    """

    mean: HostArray
    std: HostArray
    low: HostArray
    high: HostArray
    count: HostArray

    def __repr__(self) -> str:
        return (
            f"<bpx.Band of {len(self.mean)} epochs, at the end {self.last}, "
            f"{self.low[-1]:.4g} to {self.high[-1]:.4g}>"
        )

    @property
    def last(self) -> str:
        """The mean and the standard deviation of the last epoch, as text."""
        return f"{self.mean[-1]:.4g} ± {self.std[-1]:.2g}"


@dataclass(frozen=True, eq=False, repr=False)
class Seeds:
    """Trainings that differ by their seed alone: see `bpx.seeds`.

    Attributes
    ----------
    seeds : tuple of int
    networks : tuple of Network
        The trained networks, in the order of the seeds.
    histories : tuple of History
    cost, accuracy : Band
        Of the training samples, as in `Epoch`; `accuracy` is None for real targets.
    validation_cost, validation_accuracy : Band or None
        Of the validation samples; None without them.
    """

    seeds: tuple[int, ...]
    networks: tuple[Any, ...]
    histories: tuple[History, ...]
    cost: Band
    accuracy: Band | None
    validation_cost: Band | None
    validation_accuracy: Band | None

    def __repr__(self) -> str:
        names = ("cost", "accuracy", "validation_cost", "validation_accuracy")
        bands = [(name, getattr(self, name)) for name in names]
        told = [f"{name.replace('_', ' ')} {band.last}" for name, band in bands if band]
        return (
            f"<bpx.Seeds {self.seeds[0]} to {self.seeds[-1]}, {len(self.cost.mean)} epochs, "
            f"at the end {', '.join(told)}>"
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def __iter__(self) -> Iterator[Any]:
        """The networks."""
        return iter(self.networks)

    def plot(self, ax: Any = None) -> Any:
        """Plot the bands of the cost over the epochs: see `bpx.inspect.plots.bands`."""
        from bpx.inspect.plots import bands

        return bands(self, ax)


def seeds(
    network: Network,
    data: Any,
    *,
    n: int = 10,
    seed: int = 0,
    init: InitializerName | Initializer | None = None,
    checkpoint: str | Path | None = None,
    **fit: Any,
) -> Seeds:
    """Train n networks that differ by their seed alone, and return how far apart they end.

    The seeds are ``seed`` ... ``seed + n - 1``. Each draws a network's initial weights and its
    feedback arrays, and then the order of its samples and the random numbers of its layers. So
    each network is the one that you would get by ``Network(..., seed=s)`` and
    ``fit(..., seed=s)``. They are trained one after another. The given network is not changed,
    and its weights are not used.

    Parameters
    ----------
    network : Network
        What to train: its layers, cost, feedback, home and schema.
    data : pair of arrays, table, DataFrame, or stream
        As for `bpx.train`.
    n : int, optional
        How many networks, at least 2.
    seed : int, optional
        The first seed.
    init : str or Initializer, optional
        How the weights are drawn, as for `Network`, which does not remember it.
    checkpoint : str or Path, optional
        A folder for the runs, one in each of its folders ``seed-0``, ``seed-1``, ...; with
        ``resume=True``, those that have finished are not trained again, and the others are
        continued, all with the weights that they began with, whatever `init` says then.
    **fit
        The other arguments of `Network.fit`, such as `epochs`, `batch_size`, `optimizer` and
        `validation`. With `validation_split`, each seed holds out other samples; with
        `privacy`, nobody may know the order of the samples, and the seed is of the weights
        alone.

    Returns
    -------
    Seeds

    Raises
    ------
    InputError
        If an argument cannot be used.
    DivergenceError
        If a training diverges.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> net = bpx.Network([2, 8, 2], hidden="tanh", output="softmax", cost="cross_entropy")
    >>> found = bpx.seeds(net, (x, (x[:, 0] > 0).astype(int)), n=3, epochs=5, batch_size=10,
    ...                   optimizer=bpx.Adam(0.01))
    >>> found.seeds
    (0, 1, 2)
    >>> found.cost.mean.shape
    (5,)
    """
    whole("n", n, 2, None, "a whole number of at least 2")
    first = check_seed(seed)
    check_seed(first + n - 1)
    drawn = tuple(range(first, first + n))
    networks = tuple(_drawn(network, init, each) for each in drawn)
    private = fit.get("privacy") is not None
    histories = tuple(
        each.fit(
            *_given(data),
            seed=None if private else s,
            checkpoint=_folder(checkpoint, s),
            **fit,
        )
        for each, s in zip(networks, drawn, strict=True)
    )
    return Seeds(
        drawn,
        networks,
        histories,
        cost=_of([[epoch.cost for epoch in each] for each in _epochs(histories)]),
        accuracy=_band(histories, lambda epoch: epoch.accuracy),
        validation_cost=_band(histories, lambda e: e.validation and e.validation.cost),
        validation_accuracy=_band(histories, lambda e: e.validation and e.validation.accuracy),
    )


def _drawn(network: Network, init: Any, seed: int) -> Network:
    """Return the untrained network of a seed; the copy keeps what a subclass has."""
    made = copy.copy(network)
    made.seed, made.mechanisms = seed, ()
    made.parameters = initial.draw(network.spec, init, seed)
    made.feedback = initial.draw_feedback(network.spec, seed)
    return made


def _given(data: Any) -> tuple[Any, Any]:
    """Return x and y of a pair; anything else is x, which `fit` reads or refuses."""
    if isinstance(data, tuple | list) and len(data) == 2:
        return data[0], data[1]
    return data, None


def _folder(checkpoint: str | Path | None, seed: int) -> Path | None:
    return None if checkpoint is None else folder_of(checkpoint) / f"seed-{seed}"


def _epochs(histories: Sequence[History]) -> Iterator[list[Epoch]]:
    """The records of each epoch, of those that reached it."""
    for records in zip_longest(*histories):
        yield [each for each in records if each is not None]


def _band(histories: Sequence[History], value: Callable[[Epoch], float | None]) -> Band | None:
    """Return the band of a value; None if a record has none."""
    rows = [[value(epoch) for epoch in records] for records in _epochs(histories)]
    return None if any(None in row for row in rows) else _of(rows)


def _of(rows: Sequence[Sequence[float | None]]) -> Band:
    """Return the band of the values of each epoch."""
    told = [as_host(row, "values") for row in rows]
    return Band(
        mean=as_host([row.mean() for row in told], "mean"),
        std=as_host([row.std(ddof=1) if len(row) > 1 else nan for row in told], "std"),
        low=as_host([row.min() for row in told], "low"),
        high=as_host([row.max() for row in told], "high"),
        count=as_host([len(row) for row in told], "count"),
    )
