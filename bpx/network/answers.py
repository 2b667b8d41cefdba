"""Predictions and evaluation of a network, on samples from any library."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bpx._typing import Array
from bpx.arrays.registry import describe
from bpx.arrays.transfer import give_back
from bpx.errors import InputError
from bpx.metrics import AnyMetric, MetricName
from bpx.model import evaluate as evaluation
from bpx.model import sensitivity
from bpx.model.evaluate import Evaluation
from bpx.model.inputs import inputs, samples
from bpx.model.metrics import single_rule
from bpx.model.outputs import check_classes, classes, outputs
from bpx.model.weights import weighted
from bpx.model.windowed import evaluated
from bpx.network import tables
from bpx.network.held import Held
from bpx.network.windowed import (
    answers,
    is_stream,
    joined_answers,
    refuse_with_stream,
    samples_of,
)

if TYPE_CHECKING:
    from bpx.data import Schema, Stream

__all__ = ["Answering"]


class Answering(Held):
    """A network that takes arrays, tables and DataFrames, and answers in the same kind.

    Attributes
    ----------
    schema : bpx.data.Schema or None
        How a table's columns become the inputs and the target; None for a network of arrays.
        With a schema, inputs and answers are in the table's own terms: arrays, too, have the
        schema's columns, in their order and units. `forward` and `backprop` take the arrays
        that the schema makes of them.
    """

    schema: "Schema | None" = None

    def __call__(self, x: Any) -> Any:
        """Return a^L: the same as `predict`."""
        return self.predict(x)

    def predict(self, x: Any) -> Any:
        """Compute the outputs a^L in chunks; return them in the library and device of x.

        Parameters
        ----------
        x : array of any library or array-like, shape (n, k_0); table, DataFrame, or stream
            The columns of a table are found by name, in any order: see `schema`. A
            `bpx.data.Stream` is read window by window, and needs no targets.

        Returns
        -------
        array, shape (n, k_L)
            In the network's dtype; a host array if x is not an array. With a schema, numbers
            are in the target's own units.

        Raises
        ------
        InputError
            If x cannot be used.
        """
        return tables.in_units(self.schema, self._answers(x, _themselves))

    def predict_windows(self, samples: "Stream") -> Iterator[Any]:
        """Yield the outputs a^L of one window of a stream after another.

        It is `predict` for outputs that do not fit in memory, either.

        Parameters
        ----------
        samples : bpx.data.Stream
            It needs no targets.

        Yields
        ------
        host array, shape (m, k_L)
            The windows follow the samples' own order; their sizes are up to bpx.

        Raises
        ------
        InputError
            If the samples cannot be used.

        Examples
        --------
        >>> import numpy as np
        >>> net = bpx.Network([2, 3, 2], seed=0)
        >>> chunks = bpx.data.stream([np.zeros((5, 2)), np.ones((4, 2))])
        >>> sum(len(outputs) for outputs in net.predict_windows(chunks))
        9
        """
        if not is_stream(samples):
            raise InputError(
                f"samples is {describe(samples)}; expected a bpx.data.stream(...), or predict"
            )
        for found in answers(self, samples):
            yield tables.in_units(self.schema, found)

    def classify(self, x: Any) -> Any:
        """Return the class of each sample: the largest output, or whether a single one > 1/2.

        Parameters
        ----------
        x : array of any library or array-like, shape (n, k_0); table, DataFrame, or stream

        Returns
        -------
        array, shape (n,), int32
            In the library and on the device of x; a host array if x is not an array. With a
            schema, a host array of the names that the classes had in training.

        Raises
        ------
        InputError
            If x cannot be used, or the only output is not a probability.
        """
        check_classes(self.spec)
        labels = self._answers(x, partial(classes, single=single_rule(self.spec)))
        return tables.by_name(self.schema, labels)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        metrics: Sequence[MetricName | AnyMetric] = (),
        sample_weight: Any = None,
    ) -> Evaluation:
        """Compute the mean cost and the accuracy, in chunks, on samples from any library.

        Parameters
        ----------
        x : array of any library or array-like, shape (n, k_0); table, DataFrame, or stream
            A `bpx.data.Stream` is read window by window.
        y : array of any library or array-like, optional
            Labels (n,), or numbers (n,) or (n, k_L). Omit it if x is a table that has the
            target, or a stream. With a schema, y is the target as a table would have it.
        metrics : sequence of str, Metric or Total, optional
            Further metrics to compute: see `bpx.metrics`.
        sample_weight : array of any library or array-like, shape (n,), optional
            The weights of the samples, at least 0 and not all 0: see `Evaluation`.

        Returns
        -------
        Evaluation
            With a schema, metrics such as ``"mae"`` are in the target's own units; the cost is
            not, since it is that of the numbers which the network learns.

        Raises
        ------
        InputError
            If x, y, a metric or the weights cannot be used.
        """
        measures = tables.measures(self.schema, metrics)
        if is_stream(x):
            refuse_with_stream({"y": y, "sample_weight": sample_weight})
            found = samples_of(self, x, self.schema)
            with self.home.active():
                return evaluated(self.spec, self._parameters, found, measures)
        x, y = tables.arrays(self.schema, x, y)
        with self.home.active():
            arrived = samples(self.home, self.spec, x, y)
            arrived = weighted(self.home, self.spec, arrived, sample_weight)
            return evaluation.evaluate(self.spec, self._parameters, arrived, measures)

    def input_gradients(self, x: Any, y: Any = None) -> Any:
        """dC_x/dx of each sample: BP2 once more, down to a^0, in chunks.

        This is the true gradient of the cost, through the transposed weights, whatever the
        network's feedback is. Dropout is off.

        Parameters
        ----------
        x, y
            As for `evaluate`.

        Returns
        -------
        array, shape (n, k_0)
            In the network's dtype, and in the library and on the device of x; a host array if x
            is not an array. With a schema, the columns are those that it makes: see
            `bpx.data.Schema.inputs`.

        Raises
        ------
        InputError
            If x or y cannot be used.

        Examples
        --------
        >>> import numpy as np
        >>> net = bpx.Network([3, 4, 2], seed=0)
        >>> net.input_gradients(np.ones((5, 3)), np.array([0, 1, 0, 1, 1])).shape
        (5, 3)
        """
        given = x
        if is_stream(x):
            raise InputError(
                "x is a bpx.data.Stream, but the gradients of all samples are as large as the "
                "samples; expected arrays: call input_gradients for some rows at a time"
            )
        x, y = tables.arrays(self.schema, x, y)
        with self.home.active():
            arrived = samples(self.home, self.spec, x, y)
            found = sensitivity.input_gradients(self.spec, self._parameters, arrived)
            return give_back(found, given)

    def _answers(self, x: Any, of: Callable[[Array], Array]) -> Any:
        """Return ``of(a^L)``, in the library and on the device of x."""
        if is_stream(x):
            return joined_answers(self, x, of)
        with self.home.active():
            arrived = inputs(self.home, self.spec, tables.inputs(self.schema, x))
            return give_back(of(outputs(self.spec, self._parameters, arrived)), x)


def _themselves(a: Array) -> Array:
    return a
