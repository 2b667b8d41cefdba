"""`Modules`: a network as a module or a function of another library, imported on first use."""

from collections.abc import Callable
from typing import Any

from bpx._validate import flag
from bpx.arrays.registry import by_name
from bpx.model.parameters import Parameters
from bpx.network.held import Held

__all__ = ["Modules"]


class Modules(Held):
    """The methods that make modules and functions of other libraries of a network."""

    def to_torch(self, *, share: bool = False) -> Any:
        """Make a ``torch.nn.Sequential`` that computes what the network does.

        Parameters
        ----------
        share : bool, optional
            Whether the module's parameters are the network's own memory, for a network on
            PyTorch, NumPy or CuPy. What an optimizer of PyTorch writes is then seen by the
            network, and in every array that it has handed out: the promise that these keep
            their values no longer holds. A training by bpx, `to`, and an assignment give the
            network new arrays, and end it. By default the values are copied.

        Returns
        -------
        torch.nn.Sequential
            In training mode, on PyTorch's device for the network's arrays, or on the CPU. The
            modules are PyTorch's own: ``Linear``, activations, ``Dropout``, ``LayerNorm`` and
            ``BatchNorm1d``. A `Residual` becomes one small module. What PyTorch has no module
            for becomes a module that calls bpx: `Embedding`, `Periodic`, the activation
            ``exponential``, and layers and activations of your own.

        Raises
        ------
        BackendError
            If PyTorch cannot be imported.
        InputError
            If the arrays cannot be shared.

        Notes
        -----
        Its ``state_dict()`` has the names of the file that `save` writes, so that each can be
        loaded from the other; inside a residual block the names are those of nested modules.
        What belongs to training with bpx stays behind: the cost, the feedback, and the penalty
        and the limit of `Dense`. PyTorch draws the masks of dropout, which are not bpx's.

        Examples
        --------
        >>> net = bpx.Network([4, 3, 2], hidden="relu", output="identity", seed=0)
        >>> net.to_torch()
        Sequential(
          (0): Linear(in_features=4, out_features=3, bias=True)
          (1): ReLU()
          (2): Linear(in_features=3, out_features=2, bias=True)
          (3): Identity()
        )
        """
        by_name("torch")
        from bpx.export.torch.sequential import sequential

        with self.home.active():
            return sequential(self.spec, self._parameters, share=flag("share", share))

    def torch_module(self) -> Any:
        """Make a layer of a PyTorch model whose outputs and gradients are bpx's equations.

        PyTorch's autograd calls BP1 to BP4 for the gradients of its parameters, and BP2 once
        more for those of its inputs. They are the true gradients, whatever the network's
        feedback is.

        Returns
        -------
        torch.nn.Module
            In training mode. It takes x, of shape (..., k_0), in its parameters' dtype and on
            their device, and returns a^L, of shape (..., k_L). Its parameters are copies, with
            the names of `to_torch`, and `bpx.from_torch` makes a network of it. In training,
            the masks of dropout follow ``torch.manual_seed``, and the running averages of
            `BatchNorm` move.

        Raises
        ------
        BackendError
            If PyTorch cannot be imported.

        Notes
        -----
        A second derivative raises `InputError`, and the transformations of ``torch.func``
        refuse it: use `to_torch` for these. Under ``torch.autocast`` it computes in its own
        dtype.

        Examples
        --------
        >>> from torch import nn
        >>> layer = bpx.Network([8, 6, 4], hidden="tanh", output="identity").torch_module()
        >>> model = nn.Sequential(nn.Linear(5, 8), layer, nn.Linear(4, 1))
        >>> len(list(model.parameters()))
        8
        """
        by_name("torch")
        from bpx.export.torch.equations import Equations

        return Equations(self.spec, self.to_torch())

    def jax_function(self, *, training: bool = False) -> tuple[Callable[..., Any], Parameters]:
        """Make a pure function for JAX whose gradients are bpx's equations.

        ``jax.grad`` calls BP1 to BP4 for the gradients of the parameters, and BP2 once more for
        those of the inputs. They are the true gradients, whatever the network's feedback is;
        averages, such as those of `BatchNorm`, have the gradient 0.

        Parameters
        ----------
        training : bool, optional
            Whether the function computes as in training: dropout is on, and `BatchNorm`
            standardises by the batch.

        Returns
        -------
        apply : callable
            ``apply(params, x)``, which returns a^L, of shape (..., k_L), for x of shape
            (..., k_0), in the dtype of the parameters. In training
            ``apply(params, x, key)``, which takes a key of ``jax.random``, and returns a^L and
            the parameters with new averages.
        params : Parameters
            The network's parameters on JAX, a tree of arrays that ``jax.grad`` and Optax take.
            Assign them to `parameters` to bring them back.

        Raises
        ------
        BackendError
            If JAX cannot be imported, or cannot hold the parameters, since its 64-bit mode is
            off.

        Notes
        -----
        It can be transformed by ``jax.jit``, ``jax.vmap``, and ``jax.grad``, also twice.
        Forward-mode differentiation (``jax.jvp``) refuses it, as any ``jax.custom_vjp``: the
        pure `bpx.forward` can be differentiated so.

        Examples
        --------
        >>> import jax
        >>> net = bpx.Network([3, 4, 2], seed=0)
        >>> apply, params = net.jax_function()
        >>> x = jax.numpy.ones((5, 3), "float32")
        >>> gradients = jax.grad(lambda params: apply(params, x).sum())(params)
        >>> [dw.shape for dw in gradients.w]
        [(4, 3), (2, 4)]
        """
        by_name("jax")
        from bpx.export.jax import function, on_jax

        made = function(self.spec, training=flag("training", training))
        return made, on_jax(self._parameters, self.home.dtype)
