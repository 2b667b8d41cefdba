"""The three ways to learn a table, each with its defaults and as many settings to try."""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import bpx
from benchmarks.mixed_tables.protocol import Fit, Learner
from benchmarks.mixed_tables.sets import TableSet
from bpx.optim import cosine_decay_schedule

__all__ = ["LEARNERS", "boosting", "bpx_network", "bpx_train", "mlp"]

OUTPUTS: dict[str, tuple[str, str]] = {
    "numbers": ("identity", "quadratic"),
    "counts": ("exponential", "poisson"),
    "classes": ("sigmoid", "cross_entropy"),
}
"""The output and the cost of bpx."""

HIDDEN, BATCH_SIZE = (128, 128), 128
EPOCHS, STEPS = 20, 4000
"""The fewest epochs, and the fewest steps: small tables take more epochs."""


def bpx_train(frame: Any, which: TableSet, seed: int) -> Callable[[Any], Any]:
    """``bpx train`` on a Parquet file, without options other than the target and the cost."""
    from bpx.cli.commands import cli

    words = ["--target", which.target, "--seed", str(seed), "--quiet"]
    words += {"counts": ["--cost", "poisson"], "numbers": ["--task", "numbers"]}.get(
        which.task, []
    )
    silent = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, silent, _quiet():
        place = Path(folder)
        frame.to_parquet(place / "table.parquet", index=False)
        train = ["train", str(place / "table.parquet"), "--out", str(place / "run"), *words]
        cli.main(train, standalone_mode=False)
        network = bpx.load(place / "run" / "model.safetensors")
    return _answers(network)


def bpx_network(
    frame: Any, which: TableSet, seed: int, *, sigma: float, eta: float
) -> Callable[[Any], Any]:
    """Vectors for categories, sines and cosines for numbers, and two hidden layers.

    It holds out a tenth of the rows, and takes the weights of the epoch that is best on these.
    """
    held, own = _parts(len(frame), seed)
    schema = bpx.data.Schema.fit(
        frame,
        target=which.target,
        task="classes" if which.task == "classes" else "numbers",
        target_scaling="mean" if which.task == "counts" else None,
        categories="codes",
        rows=own,
    )
    periodic = bpx.Periodic.of(schema, frequencies=16, sigma=sigma)
    embedding = bpx.Embedding.of(schema, dim=8, after=periodic)
    output, cost = OUTPUTS[which.task]
    widths = pairwise([embedding.n_out, *HIDDEN])
    hidden = [bpx.Dense(below, width, "relu") for below, width in widths]
    layers = [periodic, embedding, *hidden, bpx.Dense(HIDDEN[-1], 1, output)]
    network = bpx.Network(layers, cost=cost, schema=schema, seed=seed)
    epochs = max(EPOCHS, STEPS * BATCH_SIZE // len(own))
    with _quiet():
        network.fit(
            frame.iloc[own],
            validation=frame.iloc[held],
            epochs=epochs,
            batch_size=BATCH_SIZE,
            optimizer=bpx.AdamW(cosine_decay_schedule(eta), decay=0.1),
            early_stopping=epochs,
            seed=seed,
        )
    return _answers(network)


def _parts(n: int, seed: int) -> tuple[Any, Any]:
    """A tenth of n rows, drawn with the seed, and the others."""
    held, own = np.split(np.random.default_rng(seed).permutation(n), [max(1, n // 10)])
    return held, own


def _answers(network: bpx.Network) -> Callable[[Any], Any]:
    def answers(frame: Any) -> Any:
        with _quiet():
            return network.predict(frame)[:, 0]

    return answers


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without bpx's warnings of a category that did not occur in the training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bpx.DataWarning)
        yield


def mlp(frame: Any, which: TableSet, seed: int, **settings: Any) -> Callable[[Any], Any]:
    """scikit-learn's MLP in a pipeline, with early stopping."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    settings = {"early_stopping": True, "random_state": seed} | settings
    model: Any
    if which.task == "classes":
        model = MLPClassifier(**settings)
    elif which.task == "counts":
        model = MLPRegressor(loss="poisson", **settings)
    else:
        inner = MLPRegressor(**settings)
        model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(which.categories)),
        remainder=StandardScaler(),
    )
    return _fitted(make_pipeline(columns, model), frame, which)


def boosting(frame: Any, which: TableSet, seed: int, **settings: Any) -> Callable[[Any], Any]:
    """scikit-learn's gradient boosting of histograms, with its own categories."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    settings = {"categorical_features": "from_dtype", "random_state": seed} | settings
    if which.task == "classes":
        return _fitted(HistGradientBoostingClassifier(**settings), frame, which)
    loss = "poisson" if which.task == "counts" else "squared_error"
    return _fitted(HistGradientBoostingRegressor(loss=loss, **settings), frame, which)


def _fitted(model: Any, frame: Any, which: TableSet) -> Callable[[Any], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some settings end before they converge
        model.fit(frame.drop(columns=which.target), frame[which.target])

    def answers(other: Any) -> Any:
        x = other.drop(columns=which.target)
        return model.predict_proba(x)[:, 1] if which.task == "classes" else model.predict(x)

    return answers


def _tries(fit: Callable[..., Any], *each: dict[str, Any], **always: Any) -> dict[str, Fit]:
    """The settings to try, each under a name that shows what it changes."""
    return {
        ", ".join(f"{name}={value}" for name, value in settings.items()): partial(
            fit, **always, **settings
        )
        for settings in each
    }


LEARNERS = (
    Learner(
        "bpx",
        bpx_train,
        _tries(
            bpx_network,
            {"sigma": 0.03, "eta": 1e-3},
            {"sigma": 0.03, "eta": 3e-3},
            {"sigma": 0.1, "eta": 1e-3},
            {"sigma": 0.1, "eta": 3e-3},
        ),
    ),
    Learner(
        "MLP",
        mlp,
        _tries(
            mlp,
            {"hidden_layer_sizes": (100,)},
            {"hidden_layer_sizes": (100,), "learning_rate_init": 5e-4},
            {"hidden_layer_sizes": (100,), "alpha": 0.1},
            {"hidden_layer_sizes": (64, 64)},
            tol=0.0,
        ),
    ),
    Learner(
        "HistGradientBoosting",
        boosting,
        _tries(
            boosting,
            {"learning_rate": 0.1},
            {"learning_rate": 0.05, "max_leaf_nodes": 15},
            {"learning_rate": 0.05, "max_leaf_nodes": 63},
            {"learning_rate": 0.05, "min_samples_leaf": 50, "l2_regularization": 1.0},
            max_iter=1000,
            early_stopping=True,
        ),
    ),
)
"""The grids were chosen on these tables with other splits of the rows (seed 100), after six to
thirteen trainings of each way on each table."""
