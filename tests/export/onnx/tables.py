"""A table of every kind of column, and networks that are made for it."""

import numpy as np

import bpx


def table(n=120, seed=0):
    """A table of every kind of column, with missing cells, from text."""
    rng = np.random.default_rng(seed)
    holes = rng.random((n, 3)) < 0.1
    colours = np.array(["red", "green", "naïve blue", "0"], object)[rng.integers(0, 4, n)]
    towns = np.array([f"town {i}" for i in range(45)], object)[np.arange(n) % 45]
    when = np.datetime64("2024-02-28T06:00") + rng.integers(0, 900, n) * np.timedelta64(1, "h")
    size = rng.normal(50_000.0, 3.0, n)
    return bpx.data.as_table(
        {
            "size": np.where(holes[:, 0], np.nan, size),
            "colour": np.where(holes[:, 1], "", colours),
            "town": towns,
            "when": np.where(holes[:, 2], np.datetime64("NaT"), when),
            "odd": rng.integers(0, 2, n).astype(bool),
            "price": size - 50_000.0 + (colours == "red"),
            "kind": np.where(size > 50_000.0, "big", "small"),
        }
    )


def made(target, *drop, seed=0, dtype="float32", **options):
    found = table()
    schema = bpx.data.Schema.fit(found, target=target, drop=drop, **options)
    first = [bpx.Embedding.of(schema, 3)] if schema.codes else []
    width, last = first[-1].n_out if first else schema.width, schema.target.outputs
    layers = [*first, bpx.Dense(width, 5, "tanh")]
    layers += [bpx.Dense(5, last, "sigmoid" if schema.target.classes else "identity")]
    return bpx.Network(layers, seed=seed, schema=schema, dtype=dtype), found
