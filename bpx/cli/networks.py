"""The untrained network of a run."""

from typing import Any

import bpx
from bpx.cli.settings import Settings
from bpx.model.widths import layers_of

__all__ = ["DIM", "untrained"]

DIM = 8
"""The numbers in the vector of each category, with ``--categories codes``."""


def untrained(settings: Settings, schema: bpx.data.Schema | None = None) -> bpx.Network:
    """Return the network that the settings describe; without a seed, it draws one.

    Raises
    ------
    InputError
        If they describe none.
    """
    output = settings.output or "sigmoid"
    how: dict[str, Any] = {
        "hidden": settings.hidden,
        "output": output,
        "norm": settings.norm,
        "dropout": settings.dropout or 0.0,
    }
    layers: tuple[Any, ...] = settings.layers or ()
    if schema is not None and schema.codes:
        embedding = bpx.Embedding.of(schema, DIM)
        widths = embedding.n_out, *layers[1:]
        layers, how = (embedding, *layers_of(widths, each=None, **how)), {}
    return bpx.Network(
        layers,
        **how,
        cost=settings.cost or "quadratic",
        feedback=settings.feedback,
        init=settings.init,
        seed=settings.seed,
        backend=settings.backend,
        dtype=settings.dtype,
        schema=schema,
    )
