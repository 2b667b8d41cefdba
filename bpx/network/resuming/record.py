"""Records of epochs as lines of ``history.jsonl``, and as rows of ``history.csv``."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bpx.errors import FileFormatError
from bpx.io.parsing import parsed_json
from bpx.model.evaluate import Evaluation
from bpx.network.resuming.values import UntoldError, restored, told
from bpx.training import rows
from bpx.training.records import Epoch

__all__ = ["COLUMNS", "columns", "from_line", "line", "row", "unsaved"]

COLUMNS = (*rows.COLUMNS, "eta")
"""The first columns of ``history.csv``. A column that does not apply to a run stays empty."""


def line(epoch: Epoch) -> str:
    """Return a record as a line of JSON, without what JSON cannot hold: see `unsaved`."""
    validation = None
    if epoch.validation is not None:
        cost, accuracy = epoch.validation
        metrics = dict(epoch.validation.metrics)
        validation = {"cost": cost, "accuracy": accuracy, "metrics": metrics}
    record = {
        "epoch": epoch.number,
        "cost": epoch.cost,
        "accuracy": epoch.accuracy,
        "validation": validation,
        "seconds": epoch.seconds,
        "samples_per_second": epoch.samples_per_second,
        "eta": epoch.eta,
    }
    return json.dumps({**told(record), "observed": dict(_observed(epoch))}) + "\n"


def unsaved(epoch: Epoch) -> list[str]:
    """Return the names of the observed values that JSON cannot hold."""
    saved = dict(_observed(epoch))
    return [name for name in epoch.observed if name not in saved]


def from_line(text: str) -> Epoch:
    """Return the record of a line.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, RecursionError
        If there is none.
    """
    record = parsed_json(text)
    observed = dict(_restored(record.pop("observed")))
    read = restored(record)
    if (validation := read["validation"]) is not None:
        validation = Evaluation(**validation)
    return Epoch(
        read["epoch"],
        read["cost"],
        read["accuracy"],
        validation,
        read["seconds"],
        read["samples_per_second"],
        observed,
        read["eta"],
    )


def columns(epoch: Epoch) -> list[str]:
    """Return the columns that the records of a run have, by its first one."""
    found = [*COLUMNS, *(f"validation_{name}" for name in _numbers(epoch))]
    if epoch.health is not None:
        from bpx.inspect.health import columns as of_health

        found += of_health.columns(epoch.health)
    return found


def row(epoch: Epoch | Sequence[str]) -> str:
    """Return a record, or a list of names, as a row of CSV."""
    cells = list(_cells(epoch)) if isinstance(epoch, Epoch) else epoch
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _cells(epoch: Epoch) -> Iterator[Any]:
    found = rows.row(epoch)
    yield from (found.get(name) for name in COLUMNS)  # several networks have several rates
    yield from _numbers(epoch).values()
    if epoch.health is not None:
        from bpx.inspect.health import columns as of_health

        yield from of_health.row(epoch.health)


def _numbers(epoch: Epoch) -> dict[str, float]:
    """The metrics that are numbers, by name; a cell holds no matrix."""
    found = {} if epoch.validation is None else epoch.validation.metrics
    return {name: value for name, value in found.items() if isinstance(value, float)}


def _observed(epoch: Epoch) -> Iterator[tuple[str, Any]]:
    for name, value in epoch.observed.items():
        try:
            yield name, told(value)
        except UntoldError:
            continue


def _restored(observed: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in observed.items():
        try:
            yield name, restored(value)
        except FileFormatError:  # a value of another version
            continue
