"""What a network becomes elsewhere: files and objects of other programs."""

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from bpx._files import write_atomically
from bpx.io import description
from bpx.network.answers import Answering
from bpx.network.packing import noted
from bpx.optim.chain import Optimizer
from bpx.privacy.accounting import Mechanism

__all__ = ["Exports"]


class Exports(Answering):
    """A network that can be exported; what an export needs is imported with the first one."""

    mechanisms: tuple[Mechanism, ...] = ()

    def to_onnx(self, path: str | Path | None = None, *, opset: int = 17) -> Any:
        """Return the network as an ONNX model, and write it to a file if a path is given.

        Parameters
        ----------
        path : str or Path, optional
            The file to write, such as ``model.onnx``; it is replaced if it exists.
        opset : int, optional
            The version of ONNX's operators, in 17 ... 25. The default is the lowest, which
            most runtimes know.

        Returns
        -------
        onnx.ModelProto
            A model that `onnx.checker` has checked. Any number of samples fits. Without a
            schema, its input ``x``, shape (n, k_0), and its output ``y``, shape (n, k_L), have
            the network's dtype, and ``label``, shape (n,), is the class of each sample if the
            network classifies.

            With a schema, each column is an input of its own, shape (n, 1), and the outputs are
            ``prediction`` in the target's units, or ``probabilities`` of all classes and
            ``label``, the class that the table has.

        Raises
        ------
        BackendError
            If onnx is not installed.
        InputError
            If the opset is out of range, a part of the network has no form in ONNX, or the
            file cannot be written.

        Notes
        -----
        The model predicts: dropout is off, and `bpx.BatchNorm` uses its running averages. In
        float64 it uses operators that onnxruntime computes in float64. The model's metadata
        describe the network and its schema, so that `bpx.from_onnx` reads it whole.

        Examples
        --------
        >>> net = bpx.Network([4, 3, 2], output="softmax", cost="cross_entropy", seed=0)
        >>> model = net.to_onnx()
        >>> [node.op_type for node in model.graph.node]
        ['Gemm', 'Sigmoid', 'Gemm', 'Softmax', 'ArgMax']
        """
        from bpx.export.onnx.model import described, model_of

        version, spec = import_module("bpx").__version__, self.spec.by_transpose()
        model = model_of(spec, self._parameters, self.schema, opset, version)
        model = described(model, description.described(spec, self.seed, noted(self)))
        if path is not None:
            with write_atomically(path) as file:
                file.write(model.SerializeToString())
        return model

    def to_c(
        self,
        path: str | Path | None = None,
        *,
        name: str = "model",
        batch_size: int = 1,
        training: bool = False,
        optimizer: Optimizer | None = None,
        penalty: float = 0.0,
        targets: Literal["labels", "numbers"] | None = None,
        seed: int | None = None,
    ) -> str:
        """Write the network as one file of C99 that needs only the C library.

        The file has the weights, static memory, and ``NAME_predict(x, y)``; with a schema also
        ``NAME_encode``, which turns a row of a table into inputs; and, with `training`, the
        training step. Its text is written from the recorded program, and says what to call.

        Parameters
        ----------
        path : str or Path, optional
            Where to write the file; by default nowhere.
        name : str, optional
            The prefix of all names in the file.
        batch_size : int, optional
            The number of samples of each call: x and y are arrays of so many rows.
        training : bool, optional
            Whether the file has ``NAME_init()`` and ``NAME_step(x, labels)``, a training step
            as a `bpx.Trainer` takes it. `NAME_predict` then answers with the current weights.
            If the schema's target is a number, `NAME_target` scales it for the step.
        optimizer : Optimizer, optional
            The optimizer of the training step, which begins anew.
        penalty : float, optional
            As for `bpx.Trainer`.
        targets : {"labels", "numbers"}, optional
            What the training step is given: a label for each sample, or a number for each
            output. By default labels if the network has several outputs.
        seed : int, optional
            The seed of random layers in training. By default one is drawn.

        Returns
        -------
        str
            The text of the file.

        Raises
        ------
        InputError
            If an argument cannot be used, or C cannot hold an operation of the network.
        RecordingError
            If one of your own parts uses an operation that cannot be recorded.

        Examples
        --------
        >>> net = bpx.Network([2, 3, 2], seed=0)
        >>> text = net.to_c(name="tiny")
        >>> "void tiny_predict(const float *x, float *y);" in text
        True
        """
        from bpx.export.c.convert import converted

        with self.home.active():
            text = converted(
                self.spec,
                self.parameters,
                self.feedback,
                self.schema,
                name=name,
                batch_size=batch_size,
                train=training,
                optimizer=optimizer,
                penalty=penalty,
                targets=targets,
                seed=seed,
            )
        if path is not None:
            with write_atomically(path) as file:
                file.write(text.encode())
        return text
