"""scikit-learn's own callbacks (`sklearn.callback`, new in 1.9), where it has them."""

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No support: scikit-learn before 1.9 has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method itself."""
        return method


__all__ = ["CallbackSupportMixin", "Told", "attributes_of", "with_callbacks"]


def attributes_of(estimator: Any) -> dict[str, Any]:
    """Return an estimator's fitted attributes, all that its answers need."""
    kept = {name: x for name, x in vars(estimator).items() if name.endswith("_")}
    binarizer = getattr(estimator, "_label_binarizer", None)
    return kept if binarizer is None else kept | {"_label_binarizer": binarizer}


class Told:
    """Tells an estimator's callbacks of a fit, and of each of its epochs.

    Parameters
    ----------
    estimator
    epochs : int
        The most epochs of the fit; 0 if it has none.
    X, y
        The samples, as callbacks get them.
    attributes : callable
        Returns the fitted attributes so far, for callbacks that ask for a fitted estimator.
    """

    def __init__(
        self, estimator: Any, epochs: int, X: Any, y: Any, attributes: Callable[[], Any]
    ) -> None:
        self._estimator, self._samples, self._attributes = (
            estimator,
            {"X": X, "y": y},
            attributes,
        )
        start = getattr(estimator, "_init_callback_context", None)
        self._fit: Any = start(max_subtasks=epochs) if start else None
        if self._fit is not None:
            self._fit.call_on_fit_task_begin(estimator=estimator, X=X, y=y)

    def epoch(self) -> Callable[[], bool]:
        """Tell of the beginning of an epoch; what is returned tells of its end.

        It returns whether a callback asks to stop.
        """
        if self._fit is None:
            return lambda: False
        told: dict[str, Any] = {"estimator": self._estimator, **self._samples}
        context = self._fit.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(**told)
        return lambda: bool(
            context.call_on_fit_task_end(**told, reconstruction_attributes=self._attributes)
        )

    def end(self) -> None:
        """Tell of the end of the fit."""
        if self._fit is not None:
            told = {"reconstruction_attributes": self._attributes, **self._samples}
            self._fit.call_on_fit_task_end(estimator=self._estimator, **told)
