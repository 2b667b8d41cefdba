"""`Network`: a small stateful shell around the pure functions.

It holds a frozen `spec`, the `parameters` and a `home`. `forward` and `backprop` are strict:
they take only arrays of the network's own library, device and dtype. `fit`, `predict`,
`classify` and `evaluate` take arrays of any library and move them to the network's home.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from bpx._files import write_atomically
from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import Dtype
from bpx.arrays.home import select
from bpx.arrays.host import check_seed
from bpx.arrays.ranks import Communicator
from bpx.costs import Choice, Cost, CostName
from bpx.errors import InputError
from bpx.feedback import Feedback, FeedbackName, Send
from bpx.initializers import Initializer, InitializerName
from bpx.inspect.health.probe import HealthProbe
from bpx.layers.norms import NormName
from bpx.metrics import AnyMetric, MetricName
from bpx.model import initial
from bpx.model.spec import make_spec
from bpx.model.weights import ClassWeight
from bpx.network.exports import Exports
from bpx.network.modules import Modules
from bpx.network.packing import packed
from bpx.network.tables import Schema, check_schema
from bpx.network.train import train
from bpx.optim.chain import Optimizer
from bpx.privacy.dpsgd import DPSGD
from bpx.program.contract import Precision
from bpx.training.attached import Callback
from bpx.training.observers import Observer
from bpx.training.parallel.choice import Ranks
from bpx.training.records import History, Progress
from bpx.training.stopping import EarlyStopping
from bpx_backends import BackendName

__all__ = ["Network"]


class Network(Exports, Modules):
    """A fully connected network, trained by the equations of backpropagation.

    Parameters
    ----------
    sizes : sequence of int, or of layers
        The widths k_0, ..., k_L, inputs first; or layers, such as `bpx.Dense`, in the order in
        which they run, which replace the next five arguments: see `bpx.layers`.
    hidden, output : str or Activation, optional
        The activation of layers 1 to L-1, and of layer L. By default sigmoid, as in the book.
    activations : sequence of str or Activation, optional
        One for each of the layers 1 to L, in place of `hidden` and `output`.
    norm : {"layer", "batch"}, optional
        A `bpx.LayerNorm` or `bpx.BatchNorm` after each hidden layer's activation: the next
        layer's inputs are then standardised. By default none.
    dropout : float or sequence of float, optional
        The rate, in [0, 1), of a `bpx.Dropout` after each hidden layer and its norm, or one for
        each; an array of rates will do. A norm or dropout needs a hidden layer.
    cost : str or Cost, optional
        ``"quadratic"``, ``"cross_entropy"`` (categorical after softmax, binary after
        sigmoid), one of these two by its full name, or a cost.
    feedback : str, Feedback or callable, optional
        How BP2 sends errors back: ``"transpose"``, which is backpropagation, another rule of
        `bpx.feedback`, or your own function: see `bpx.feedback.Feedback`.
    init : str or Initializer, optional
        The initializer of all layers. By default each layer's activation selects it: see
        `bpx.initializers.default`.
    seed : int, optional
        The seed of the initial weights and the feedback arrays, which are the same on every
        backend. By default one is drawn and stored as `seed`.
    backend : str, optional
        ``backend[:device]``. By default the choice of `bpx.use`, `bpx.set_default` or
        ``BPX_BACKEND``, or else numpy.
    dtype : {"float32", "float64"}, optional
        The dtype of the parameters. By default ``BPX_DTYPE``, or else float32.
    schema : bpx.data.Schema, optional
        How a table becomes samples: `fit`, `predict`, `classify` and `evaluate` then take
        tables and DataFrames, and find their columns by name. It is saved with the network.

    Attributes
    ----------
    spec : Spec
        The layers, the cost and the feedback, frozen.
    home : Home
        The backend, device and dtype of the parameters.
    seed : int or None
        The seed of the initial weights; None for a network read from a file without one.
    mechanisms : tuple of bpx.privacy.Mechanism
        The mechanisms of its private training so far; the next private training adds to them.

    Raises
    ------
    InputError
        If an argument cannot be used.
    BackendError
        If the backend cannot be used.

    Notes
    -----
    A subclass may have its own `__init__` and attributes. `to`, ``copy.copy``,
    ``copy.deepcopy`` and pickle never call `__init__` and keep all attributes of an instance.
    `from_arrays` has no instance to start from, so such a subclass must extend it.

    Examples
    --------
    >>> net = bpx.Network([784, 30, 10], seed=0)
    >>> [w.shape for w in net.weights]
    [(30, 784), (10, 30)]
    """

    def __init__(
        self,
        sizes: Sequence[Any],
        *,
        hidden: ActivationName | Activation = "sigmoid",
        output: ActivationName | Activation = "sigmoid",
        activations: Sequence[ActivationName | Activation] | None = None,
        norm: NormName | None = None,
        dropout: float | Sequence[float] = 0.0,
        cost: CostName | Cost | Choice = "quadratic",
        feedback: FeedbackName | Feedback | Send = "transpose",
        init: InitializerName | Initializer | None = None,
        seed: int | None = None,
        backend: BackendName | str | None = None,
        dtype: Dtype | None = None,
        schema: "Schema | None" = None,
    ) -> None:
        spec = make_spec(
            sizes,
            hidden=hidden,
            output=output,
            each=activations,
            norm=norm,
            dropout=dropout,
            cost=cost,
            feedback=feedback,
        )
        if schema is not None:
            check_schema(schema, spec)
        home = select(backend, dtype)
        self.schema = schema
        self.seed = seed = check_seed(seed)
        drawn = initial.draw_feedback(spec, seed)
        self._place(spec, initial.draw(spec, init, seed), drawn, home)

    @classmethod
    def _blank(cls) -> Self:
        maker = next(c for c in cls.__mro__ if {"__init__", "from_arrays"} & vars(c).keys())
        if maker is not Network and "from_arrays" not in vars(maker):
            raise InputError(
                f"{maker.__name__} has its own __init__, which from_arrays does not call; "
                f"define {cls.__name__}.from_arrays too: call super().from_arrays, then set "
                "what __init__ sets. Or use copy.copy(net) of an existing network and assign "
                "its parameters"
            )
        return super()._blank()

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int,
        batch_size: int,
        accumulate: int = 1,
        optimizer: Optimizer,
        lmbda: float = 0.0,
        validation: Any = None,
        validation_split: float = 0.0,
        seed: int | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        compile: bool = True,  # noqa: A002 - as in `train`
        precision: Precision | str = "float32",
        privacy: DPSGD | None = None,
        progress: Callable[[Progress], None] | None = None,
        health: bool | HealthProbe = False,
        observers: Sequence[Observer] = (),
        callbacks: Sequence[Callback] = (),
        early_stopping: EarlyStopping | int | None = None,
        metrics: Sequence[MetricName | AnyMetric] = (),
        sample_weight: Any = None,
        class_weight: ClassWeight | None = None,
        checkpoint: str | Path | None = None,
        every: str | None = None,
        keep: int | None = None,
        resume: bool = False,
        ranks: Ranks | str | Communicator | None = None,
    ) -> History:
        """Train to the end: run `bpx.train` and return all of its records.

        The parameters are those of `bpx.train`, which describes them. If x is a table that has
        the target, omit y. If training is interrupted (Ctrl-C) or diverges, the network keeps
        the weights of the last finished epoch, and the exception propagates.

        Returns
        -------
        History
            The `Epoch` records, the seed of the order of the samples, and why training ended. A
            run that is continued from its `checkpoint` folder has the records from before, too.

        Raises
        ------
        InputError
            If an argument cannot be used; the network is then unchanged.
        DivergenceError
            If the cost or the weights become non-finite.
        """
        training = train(
            self,
            x if y is None else (x, y),
            epochs=epochs,
            batch_size=batch_size,
            accumulate=accumulate,
            optimizer=optimizer,
            lmbda=lmbda,
            validation=validation,
            validation_split=validation_split,
            seed=seed,
            shuffle=shuffle,
            drop_last=drop_last,
            compile=compile,
            precision=precision,
            privacy=privacy,
            progress=progress,
            health=health,
            observers=observers,
            callbacks=callbacks,
            ranks=ranks,
            early_stopping=early_stopping,
            metrics=metrics,
            sample_weight=sample_weight,
            class_weight=class_weight,
            checkpoint=checkpoint,
            every=every,
            keep=keep,
            resume=resume,
        )
        return training.finish()

    def save(self, path: str | Path) -> None:
        """Write the network to a safetensors file, atomically: see `bpx.load`."""
        content = packed(self, self._parameters, self._feedback)
        with write_atomically(path) as file:
            file.write(content)
