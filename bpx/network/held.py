"""`Held`: a spec with its arrays at a home, the passes over them, and the step to be read."""

from collections.abc import Sequence
from typing import Any, Self

from bpx._typing import Array
from bpx.arrays.choice import Dtype
from bpx.arrays.home import Home, select
from bpx.model import initial, passes
from bpx.model.inputs import check_values
from bpx.model.parameters import Parameters, as_parameters
from bpx.model.placing import placed
from bpx.model.spec import Spec, check_feedback, check_shapes
from bpx.model.trace import Forward, Trace
from bpx.optim.chain import Optimizer
from bpx.program.program import Program
from bpx.training import start
from bpx_backends import BackendName

__all__ = ["Held"]


class Held:
    """What a network holds: its parameters and what its feedback has drawn, at one home.

    Attributes
    ----------
    spec : Spec
    home : Home
    seed : int or None
    """

    spec: Spec
    home: Home
    seed: int | None

    @classmethod
    def from_arrays(
        cls,
        spec: Spec,
        parameters: Parameters | tuple[Sequence[Any], Sequence[Any]],
        home: Home,
        seed: int | None = None,
        feedback: Sequence[Any] | None = None,
    ) -> Self:
        """A network of the given weights and biases, copied to `home`.

        Parameters
        ----------
        spec : Spec
        parameters : Parameters, or pair of sequences, w and b
            Of arrays from anywhere; a pair where all layers are Dense.
        home : Home
            Such as ``net.home`` of another network.
        seed : int, optional
            To be remembered.
        feedback : sequence of arrays from anywhere, optional
            What the spec's feedback has drawn; left out, it is drawn from the seed.

        Raises
        ------
        InputError
            If their number or shapes do not fit the spec; or if a subclass has an `__init__`
            of its own and no `from_arrays`.

        Notes
        -----
        `__init__` is not called: it would draw parameters, and a subclass may ask for other
        arguments. A subclass with an `__init__` of its own extends `from_arrays`, too, and sets
        there what its `__init__` sets.
        """
        network = cls._blank()
        network.seed = seed
        if feedback is None and seed is not None:
            feedback = initial.draw_feedback(spec, seed)
        network._place(spec, as_parameters(parameters), feedback or (), home)
        return network

    @classmethod
    def _blank(cls) -> Self:
        """One that `from_arrays` fills in."""
        return cls.__new__(cls)

    def _place(
        self, spec: Spec, parameters: Parameters, feedback: Sequence[Any], home: Home
    ) -> None:
        """Take up parameters and feedback arrays from anywhere, all or none."""
        self._parameters, self._feedback = placed(spec, parameters, feedback, home)
        self.spec, self.home = spec, home

    @property
    def parameters(self) -> Parameters:
        """The weights and biases: see `bpx.Parameters`.

        What is assigned may be the same of arrays from anywhere or, with Dense layers alone, a
        pair (w, b) of sequences, of the same shapes; they are copied to the network's home,
        all or none.
        """
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: Parameters | tuple[Sequence[Any], Sequence[Any]]) -> None:
        self._place(self.spec, as_parameters(parameters), self._feedback, self.home)

    @property
    def feedback(self) -> tuple[Array, ...]:
        """What the feedback has drawn, one array for each hidden layer; often none.

        What is assigned may be arrays from anywhere, of the same shapes.
        """
        return self._feedback

    @feedback.setter
    def feedback(self, feedback: Sequence[Any]) -> None:
        self._place(self.spec, self._parameters, tuple(feedback), self.home)

    @property
    def weights(self) -> tuple[Array, ...]:
        """``weights[i]``, of shape (k_{i+1}, k_i), is the book's w^{i+1}."""
        return self._parameters.w

    @property
    def biases(self) -> tuple[Array, ...]:
        """``biases[i]``, of shape (k_{i+1},), is the book's b^{i+1}."""
        return self._parameters.b

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths k_0, ..., k_L."""
        return self.spec.sizes

    def __repr__(self) -> str:
        spec, names = self.spec, [layer.activation.name for layer in self.spec.dense]
        rule = f"feedback {spec.feedback.name!r}, " if spec != spec.by_transpose() else ""
        return (
            f"<bpx.Network {list(self.sizes)}, activations {names}, "
            f"cost {spec.cost.name!r}, {rule}on {self.home}, {self.home.dtype}>"
        )

    def forward(self, x: Array) -> Forward:
        """Every z and a: see `bpx.forward`. Strict: x must be at the network's home.

        The network's methods are not recorded by another library's autograd; the pure
        `bpx.forward` is.
        """
        with self.home.active():
            return passes.forward(self.spec, self._parameters, x)

    def backprop(self, x: Array, y: Array, *, r: Array | float | None = None) -> Trace:
        """Every z, a and delta, the costs and the gradients: see `bpx.backprop`.

        Strict: x and y must be at the network's home. Labels out of range, and targets that
        the cost has no meaning for, are refused here, which reads y on the host; the pure
        `bpx.backprop` does not look.

        Examples
        --------
        >>> import numpy as np
        >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
        >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
        >>> [delta.shape for delta in trace.delta], trace.cost.shape
        ([(5, 4), (5, 2)], (5,))
        """
        with self.home.active():
            trace = passes.backprop(
                self.spec, self._parameters, x, y, r=r, feedback=self._feedback
            )
        check_values(self.spec, y)
        return trace

    def program(self, *, batch_size: int, optimizer: Optimizer, lmbda: float = 0.0) -> Program:
        """One step of `train`, as a list of array operations, without running it.

        Parameters
        ----------
        batch_size, optimizer, lmbda
            As for `bpx.train`.

        Returns
        -------
        Program
            To be printed, which reads like the equations, and counted: its `operations`,
            `flops` and `bytes`.

        Raises
        ------
        RecordingError
            If a part of your own asks for what a recording does not hold: it names it.

        Examples
        --------
        >>> net = bpx.Network([2, 1], seed=0)
        >>> print(net.program(batch_size=4, optimizer=bpx.SGD(1.0)).counts["matmul"])
        2
        """
        with self.home.active():
            return start.program(
                self.spec, self._parameters, self._feedback, batch_size, optimizer, lmbda
            )

    def to(
        self, backend: BackendName | str | None = None, *, dtype: Dtype | None = None
    ) -> Self:
        """Move the network, in place: all of it or, on an error, nothing.

        Parameters
        ----------
        backend : str, optional
            ``backend[:device]``; left out, the present one.
        dtype : {"float32", "float64"}, optional
            Left out, the present one.

        Returns
        -------
        Network
            Itself.

        Raises
        ------
        BackendError
            If the backend cannot be used.
        """
        dtype = dtype or self.home.dtype
        home = select(backend, dtype) if backend else self.home.stored_as(dtype)
        self._place(self.spec, self._parameters, self._feedback, home)
        return self

    def publish(self, parameters: Parameters, feedback: tuple[Array, ...] = ()) -> None:
        """Take up new arrays as they are: what training does at the end of each epoch.

        They must be at home, and nobody else's to write. Without feedback arrays the present
        ones stay.

        Raises
        ------
        InputError
            If their number or shapes do not fit the spec; nothing has changed then.
        """
        check_shapes(self.spec, parameters)
        if feedback:
            check_feedback(self.spec, feedback)
        self._parameters = parameters
        self._feedback = feedback or self._feedback
