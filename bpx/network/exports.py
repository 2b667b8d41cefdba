"""What a network becomes elsewhere: files for other languages and libraries."""

from pathlib import Path
from typing import Literal

from bpx._files import write_atomically
from bpx.network.held import Held
from bpx.network.tables import Schema
from bpx.optim.chain import Optimizer

__all__ = ["Exports"]


class Exports(Held):
    """A network that can be written for use without bpx."""

    schema: "Schema | None"

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
