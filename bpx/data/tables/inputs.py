"""`Inputs`: what the features of a schema make of a table, input by input."""

from collections.abc import Iterator

from bpx.data.tables.feature import Feature

__all__ = ["Inputs"]


class Inputs:
    """The inputs of a schema; `bpx.Embedding.of` and `bpx.Periodic.of` read them.

    Attributes
    ----------
    features : tuple of Feature
        The features, in the order of the inputs.
    """

    features: tuple[Feature, ...]

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(feature.width for feature in self.features)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs' names, such as ``"age"``, ``"city=Paris"`` or ``"age is missing"``."""
        return tuple(name for feature in self.features for name in feature.inputs)

    @property
    def codes(self) -> dict[int, int]:
        """The inputs that hold codes, and the number of codes of each."""
        return {at: feature.codes for at, feature in self._first_inputs() if feature.codes}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The inputs that hold scaled numbers or dates."""
        kinds = ("number", "date")
        return tuple(at for at, feature in self._first_inputs() if feature.kind in kinds)

    def _first_inputs(self) -> Iterator[tuple[int, Feature]]:
        """Yield the place of each feature's first input."""
        at = 0
        for feature in self.features:
            yield at, feature
            at += feature.width
