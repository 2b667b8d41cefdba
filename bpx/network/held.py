"""`Held`: a spec with its arrays at a home, the passes over them, and the step's program."""

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
from bpx.network import summary
from bpx.optim.chain import Optimizer
from bpx.program.program import Program
from bpx.training import start
from bpx_backends import BackendName

__all__ = ["Held"]


class Held:
    """The state of a network: its parameters and its feedback arrays, at one home.

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
        """Make a network with the given weights and biases, copied to `home`.

        Parameters
        ----------
        spec : Spec
        parameters : Parameters, or pair of sequences, w and b
            Arrays of any library; a pair only if all layers are Dense.
        home : Home
            Such as ``net.home`` of another network.
        seed : int, optional
            The value of the network's `seed`.
        feedback : sequence of arrays of any library, optional
            The arrays of the spec's feedback. By default they are drawn from the seed.

        Raises
        ------
        InputError
            If the number or the shapes of the arrays do not fit the spec, or if a subclass has
            its own `__init__` and no `from_arrays`.

        Notes
        -----
        This does not call `__init__`, which would draw parameters, and which may have other
        arguments in a subclass. A subclass with its own `__init__` must extend `from_arrays`,
        too, and set there what its `__init__` sets.
        """
        network = cls._blank()
        network.seed = seed
        if feedback is None and seed is not None:
            feedback = initial.draw_feedback(spec, seed)
        network._place(spec, as_parameters(parameters), feedback or (), home)
        return network

    @classmethod
    def _blank(cls) -> Self:
        """Make an empty network for `from_arrays` to fill."""
        return cls.__new__(cls)

    def _place(
        self, spec: Spec, parameters: Parameters, feedback: Sequence[Any], home: Home
    ) -> None:
        """Copy parameters and feedback arrays of any library to `home`, all or none."""
        self._parameters, self._feedback = placed(spec, parameters, feedback, home)
        self.spec, self.home = spec, home

    @property
    def parameters(self) -> Parameters:
        """The weights and biases: see `bpx.Parameters`.

        You can assign `Parameters` with arrays of any library or, if all layers are Dense, a
        pair (w, b) of sequences. The shapes must stay the same. The arrays are copied to the
        network's home, all or none.
        """
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: Parameters | tuple[Sequence[Any], Sequence[Any]]) -> None:
        self._place(self.spec, as_parameters(parameters), self._feedback, self.home)

    @property
    def feedback(self) -> tuple[Array, ...]:
        """The arrays that the feedback has drawn, mostly one for each hidden layer; often none.

        You can assign arrays of any library, of the same shapes.
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
    def biases(self) -> tuple[Any, ...]:
        """``biases[i]``, of shape (k_{i+1},), is the book's b^{i+1}; None without biases."""
        return self._parameters.b

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths k_0, ..., k_L."""
        return self.spec.sizes

    def __repr__(self) -> str:
        spec, names = self.spec, [layer.activation.name for layer in self.spec.dense]
        rule = f"feedback {spec.feedback.name!r}, " if spec != spec.by_transpose() else ""
        others = f"{kinds}, " if (kinds := summary.other_kinds(spec)) else ""
        return (
            f"<bpx.Network {list(self.sizes)}, activations {names}, {others}"
            f"cost {spec.cost.name!r}, {rule}on {self.home}, {self.home.dtype}>"
        )

    def __str__(self) -> str:
        return f"{self!r}\n{summary.table(self.spec)}"

    def forward(self, x: Array) -> Forward:
        """Compute every z and a: see `bpx.forward`. x must be at the network's home.

        Another library's autograd does not record the network's methods; it records the pure
        `bpx.forward`.
        """
        with self.home.active():
            return passes.forward(self.spec, self._parameters, x)

    def backprop(self, x: Array, y: Array, *, r: Array | float | None = None) -> Trace:
        """Compute every z, a and delta, the costs and the gradients: see `bpx.backprop`.

        x and y must be at the network's home. Unlike the pure `bpx.backprop`, this method reads
        y on the host and refuses labels out of range and targets that the cost does not
        accept.

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
        """Return one step of `train` as a list of array operations, without running it.

        Parameters
        ----------
        batch_size, optimizer, lmbda
            As for `bpx.train`.

        Returns
        -------
        Program
            Print it to read the step like the equations, or count its `operations`, `flops`
            and `bytes`.

        Raises
        ------
        RecordingError
            If one of your own parts uses an operation that cannot be recorded; the message
            names it.

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
        """Move the network in place; on an error nothing moves.

        Parameters
        ----------
        backend : str, optional
            ``backend[:device]``. By default the current one.
        dtype : {"float32", "float64"}, optional
            By default the current one.

        Returns
        -------
        Network
            The network itself.

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
        """Adopt new arrays without copying, as training does at the end of each epoch.

        The arrays must be at home, and nobody else may write to them. Without feedback arrays,
        the network keeps its current ones.

        Raises
        ------
        InputError
            If their number or shapes do not fit the spec; the network is then unchanged.
        """
        check_shapes(self.spec, parameters)
        if feedback:
            check_feedback(self.spec, feedback)
        self._parameters = parameters
        self._feedback = feedback or self._feedback
