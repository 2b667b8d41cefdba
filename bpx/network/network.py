"""`Network`: a small stateful shell around the pure functions.

It holds a frozen `spec`, the `parameters` and a `home`. `forward` and `backprop` are strict:
arrays of the network's own library, device and dtype. `fit`, `predict`, `classify` and
`evaluate` are boundaries: they take arrays from anywhere and bring them home.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bpx.activations import Activation, ActivationName
from bpx.arrays.choice import Dtype
from bpx.arrays.home import select
from bpx.arrays.host import check_seed
from bpx.costs import Cost, CostName
from bpx.errors import InputError
from bpx.feedback import Feedback, FeedbackName, Send
from bpx.initializers import Initializer, InitializerName
from bpx.inspect.health.probe import HealthProbe
from bpx.io import checkpoint
from bpx.metrics import Metric, MetricName
from bpx.model import initial
from bpx.model.spec import make_spec
from bpx.model.weights import ClassWeight
from bpx.network.answers import Answering
from bpx.network.tables import check_schema
from bpx.network.train import train
from bpx.optim.chain import Optimizer
from bpx.privacy.accounting import Mechanism
from bpx.privacy.dpsgd import DPSGD
from bpx.program.contract import Precision
from bpx.training.observers import Observer
from bpx.training.records import History, Progress
from bpx_backends import BackendName

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Network"]


class Network(Answering):
    """A fully connected network, trained by the equations of backpropagation.

    Parameters
    ----------
    sizes : sequence of int, or of layers
        The widths k_0, ..., k_L, inputs first; or layers, such as `bpx.Dense`, in the order in
        which they run, in place of the four arguments that follow: see `bpx.layers`.
    hidden, output : str or Activation, optional
        The activation of layers 1 to L-1, and of layer L; sigmoid as in the book.
    activations : sequence of str or Activation, optional
        One for each of the layers 1 to L, in place of `hidden` and `output`.
    dropout : float or sequence of float, optional
        The rate of a `bpx.Dropout` behind each hidden layer, in [0, 1), or one for each.
    cost : str or Cost, optional
        ``"quadratic"``, ``"cross_entropy"`` (categorical after softmax, binary after
        sigmoid), one of the two by its own name, or a cost.
    feedback : str, Feedback or callable, optional
        What BP2 sends back: ``"transpose"``, which is backpropagation, or another rule of
        `bpx.feedback`, or a function of your own: see `bpx.feedback.Feedback`.
    init : str or Initializer, optional
        For all layers; left out, each layer's activation chooses: see
        `bpx.initializers.default`.
    seed : int, optional
        Of the initial weights and of what the feedback draws, which are the same on every
        backend. Left out, one is drawn and kept as `seed`.
    backend : str, optional
        ``backend[:device]``; left out, what `bpx.use`, `bpx.set_default` or ``BPX_BACKEND``
        have chosen, else numpy.
    dtype : {"float32", "float64"}, optional
        What the parameters are stored in; left out, as ``BPX_DTYPE`` says, else float32.
    schema : bpx.data.Schema, optional
        How a table becomes samples: `fit`, `predict`, `classify` and `evaluate` then take
        tables and DataFrames, whose columns are found by name. It is saved with the network.

    Attributes
    ----------
    spec : Spec
        The layers, the cost and the feedback, frozen.
    home : Home
        The backend, device and dtype of the parameters.
    seed : int or None
        The seed of the initial weights; None for a network read from a file without one.
    mechanisms : tuple of bpx.privacy.Mechanism
        By which it was privately trained so far: what its next private training adds to.

    Raises
    ------
    InputError
        If an argument cannot be used.
    BackendError
        If the backend cannot be used.

    Notes
    -----
    A subclass may have an `__init__` and attributes of its own. `to`, ``copy.copy``,
    ``copy.deepcopy`` and pickle never call `__init__`: they keep all that an instance has.
    `from_arrays`, which has no instance, is for such a subclass to extend.

    Examples
    --------
    >>> net = bpx.Network([784, 30, 10], seed=0)
    >>> [w.shape for w in net.weights]
    [(30, 784), (10, 30)]
    """

    mechanisms: tuple[Mechanism, ...] = ()

    def __init__(
        self,
        sizes: Sequence[Any],
        *,
        hidden: ActivationName | Activation = "sigmoid",
        output: ActivationName | Activation = "sigmoid",
        activations: Sequence[ActivationName | Activation] | None = None,
        dropout: float | Sequence[float] = 0.0,
        cost: CostName | Cost = "quadratic",
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
                f"{maker.__name__} has an __init__ of its own, which from_arrays does not "
                f"call; define {maker.__name__}.from_arrays too: call super().from_arrays, and "
                "set what __init__ sets. Or take copy.copy(net) of a network that there is, "
                "and assign its parameters"
            )
        return super()._blank()

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int,
        batch_size: int,
        optimizer: Optimizer,
        lmbda: float = 0.0,
        validation: Any = None,
        seed: int | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        compile: bool = True,  # noqa: A002 - as in `train`
        precision: Precision | str = "float32",
        privacy: DPSGD | None = None,
        progress: Callable[[Progress], None] | None = None,
        health: bool | HealthProbe = False,
        observers: Sequence[Observer] = (),
        metrics: Sequence[MetricName | Metric] = (),
        sample_weight: Any = None,
        class_weight: ClassWeight | None = None,
    ) -> History:
        """Train to the end: `bpx.train`, all of its records at once.

        The parameters are those of `bpx.train`, which says what each does; x may be a table
        that has the target, without y. If training is
        interrupted (Ctrl-C) or diverges, the network keeps the last finished epoch's
        weights and the exception goes on.

        Returns
        -------
        History
            The `Epoch` records, and the seed of the order.

        Raises
        ------
        InputError
            If an argument cannot be used; nothing has changed then.
        DivergenceError
            If the cost or the weights turn non-finite.
        """
        seed = check_seed(seed) if privacy is None else seed
        records = train(
            self,
            x if y is None else (x, y),
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lmbda=lmbda,
            validation=validation,
            seed=seed,
            shuffle=shuffle,
            drop_last=drop_last,
            compile=compile,
            precision=precision,
            privacy=privacy,
            progress=progress,
            health=health,
            observers=observers,
            metrics=metrics,
            sample_weight=sample_weight,
            class_weight=class_weight,
        )
        return History(tuple(records), seed)

    def save(self, path: str | Path) -> None:
        """Write the network to a safetensors file, at once or not at all: see `bpx.load`."""
        notes: dict[str, Any] = {"mechanisms": self.mechanisms} if self.mechanisms else {}
        notes |= {"schema": self.schema.described()} if self.schema is not None else {}
        arrays = self._parameters, self._feedback
        checkpoint.save(path, self.spec, *arrays, self.seed, notes)
