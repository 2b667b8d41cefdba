"""The formats of files that a stranger may send: valid ones, their changes, and their readers.

A reader returns only if what it read is right; it raises a `BpxError` if it refuses the file.
Anything else that it raises is a finding.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import bpx
from bpx.program.contract import named_leaves
from tools.fuzz.changes import Change, of_bytes, of_safetensors, of_toml

__all__ = ["FORMATS", "Format", "WrongError"]

_TABLE = "age,city,visits,group\n" + "".join(
    f"{20 + i % 31},{'abc'[i % 3]},{i % 7}.5,{'xy'[i % 5 > 2]}\n" for i in range(60)
)


class WrongError(Exception):
    """What was read is not right."""


class Format(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    seeds : callable
        ``seeds(folder) -> list of bytes``: valid files; `folder` is kept for the reader.
    change : Change
    read : callable
        ``read(path, folder)`` reads a file; whether it returns or raises is described above.
    """

    seeds: Callable[[Path], list[bytes]]
    change: Change
    read: Callable[[Path, Path], None]


def _networks(folder: Path) -> list[bytes]:
    """Files of networks with all kinds of layers, and PyTorch's Linear layers."""
    from safetensors.numpy import save

    plain = bpx.Network([4, 5, 3], output="softmax", cost="cross_entropy", seed=0)
    fed = bpx.Network(
        [3, 4, 4, 2], feedback="kp", cost=bpx.costs.huber(0.5), output="tanh", seed=1
    )
    parts = [
        bpx.Embedding(4, [0, 2], [3, 5], dim=2), bpx.Dense(6, 8, "relu"), bpx.BatchNorm(8),
        bpx.Dropout(8, 0.2), bpx.Residual([bpx.Dense(8, 8, "gelu_tanh"), bpx.LayerNorm(8)]),
        bpx.Dense(8, 2, "identity", bias=False),
    ]  # fmt: skip
    layered = bpx.Network(parts, seed=2, dtype="float64")
    layered.mechanisms = (bpx.privacy.Mechanism(1.5, 0.01, 300),)
    waves = bpx.Network(
        [bpx.Periodic(3, [1], frequencies=2), bpx.Dense(6, 1, "sigmoid")], seed=3
    )
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (5, 4), "0.bias": (5,), "2.weight": (2, 5), "2.bias": (2,)}
    theirs = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    return [*map(_saved, (plain, fed, layered, waves), [folder] * 4), save(theirs)]


def _saved(network: bpx.Network, folder: Path) -> bytes:
    network.save(folder / "seed")
    return (folder / "seed").read_bytes()


def _read_network(path: Path, folder: Path) -> None:
    try:
        network = bpx.load(path)
    except bpx.FileFormatError:  # or the Linear layers of PyTorch
        network = bpx.load(path, hidden="relu", output="identity")
    _check(network, folder)


def _check(network: bpx.Network, folder: Path) -> None:
    """Save and load the network, which must give the same; and predict."""
    network.save(folder / "again")
    twin = bpx.load(folder / "again")
    ours, theirs = (_content(each) for each in (network, twin))
    if ours != theirs:
        raise WrongError("saved and loaded again, it is another network")
    network.schema = None
    found = network.predict(np.zeros((2, network.sizes[0]), network.home.dtype))
    if found.shape != (2, network.sizes[-1]) or found.dtype.name != network.home.dtype:
        raise WrongError(f"it predicts {found.dtype} of shape {found.shape}")


def _content(network: bpx.Network) -> tuple[Any, ...]:
    arrays = named_leaves((network.parameters, network.feedback), "")
    bits = [(name, x.shape, x.dtype.name, x.tobytes()) for name, x in arrays]
    return network.spec, network.mechanisms, network.schema, bits


def _schemas(folder: Path) -> list[bytes]:
    """Files of networks with schemas, of several encodings, for classes and for numbers."""
    (folder / "table.csv").write_text(_TABLE, encoding="utf-8")
    table = bpx.data.read_table(folder / "table.csv")
    fit = bpx.data.Schema.fit
    schemas = [
        fit(table, target="group"),
        fit(table, target="visits", task="numbers", scaling="robust", unseen="refuse"),
        fit(table, target="city", drop=["visits"]),
    ]
    made = []
    for i, schema in enumerate(schemas):
        last = schema.target.outputs if schema.target else 1
        network = bpx.Network([schema.width, 4, last], output="sigmoid", seed=i)
        network.schema = schema
        made.append(_saved(network, folder))
    return made


def _read_schema(path: Path, folder: Path) -> None:
    network = bpx.load(path)
    table = bpx.data.read_table(folder / "table.csv")
    schema, wanted = network.schema, (len(table), network.sizes[-1])
    if schema is not None:
        _answer(network, table, wanted)
    _check(network, folder)


def _answer(network: bpx.Network, table: Any, shape: tuple[int, int]) -> None:
    """Predict a table that may lack the columns of the schema: then, bpx says so."""
    try:
        found = network.predict(table)
        network.classify(table)
        network.evaluate(table)
    except bpx.InputError:
        return
    if found.shape not in (shape, shape[:1]):
        raise WrongError(f"it predicts {found.shape} for a table of {shape}")


def _settings(folder: Path) -> list[bytes]:
    """The run.toml of a run of ``bpx train``, and files of options."""
    (folder / "table.csv").write_text(_TABLE, encoding="utf-8")
    words = ["train", str(folder / "table.csv"), "--target", "group", "--epochs", "2"]
    words += ["--out", str(folder / "run"), "--quiet", "--seed", "1", "--layers", "5,5,1"]
    _command(words)
    options = "data = 'digits'\nlayers = [64, 30, 10]\nepochs = 5\nbatch_size = 32\neta = 0.1\n"
    others = (
        "optimizer = 'sgd'\nmomentum = 0.8\nschedule = 'cosine'\nwarmup = 10\nnorm = 'layer'\n"
    )
    written = (folder / "run" / "run.toml").read_bytes()
    return [written, written, options.encode(), (options + others).encode()]


def _read_settings(path: Path, folder: Path) -> None:
    """Read it as ``--config``, and as the run.toml of ``bpx resume`` and ``evaluate``."""
    from bpx.cli.folder import read_settings
    from bpx.cli.restored import restored

    run, part = folder / "run", ("--split", "validation")
    (run / "run.toml").write_bytes(path.read_bytes())
    refused = []
    for read in (
        lambda: _command(["train", "--config", str(path)], run=False),
        lambda: restored(str(run), read_settings(run)),
        lambda: _command(["evaluate", str(run), str(folder / "table.csv"), *part]),
    ):
        try:
            read()
        except bpx.BpxError as error:
            refused.append(error)
    if len(refused) == 3:
        raise refused[0]


def _command(words: list[str], *, run: bool = True) -> None:
    """Do what ``bpx`` does with these words; without `run`, only read the options."""
    import contextlib
    import io

    import click

    from bpx.cli.commands import cli

    name, *rest = words
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            if run:
                cli.main(words, standalone_mode=False)
            else:
                cli.commands[name].make_context(name, rest)
    except click.ClickException as error:  # which the command prints, as a sentence
        raise bpx.InputError(error.message) from error


def _onnx_models(folder: Path) -> list[bytes]:
    """Models of all kinds of networks; two of them without what bpx adds to read them whole."""
    models = []
    for content in [*_networks(folder)[:4], *_schemas(folder)]:
        (folder / "seed").write_bytes(content)
        models.append(bpx.load(folder / "seed").to_onnx())
    for model in models[:2]:
        models.append(type(model).FromString(model.SerializeToString()))
        del models[-1].metadata_props[:]
    return [model.SerializeToString() for model in models]


def _read_onnx(path: Path, folder: Path) -> None:
    _check(bpx.from_onnx(path), folder)


FORMATS: dict[str, Format] = {
    "onnx": Format(_onnx_models, of_bytes, _read_onnx),
    "safetensors": Format(_networks, of_safetensors(), _read_network),
    "schema": Format(_schemas, of_safetensors("schema"), _read_schema),
    "toml": Format(_settings, of_toml, _read_settings),
}
