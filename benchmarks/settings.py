"""What a run measures, with which peers, and how."""

from typing import NamedTuple

from benchmarks.cases import Case
from benchmarks.clock import CLOCKS, Clock
from benchmarks.peers import Peer

__all__ = ["Settings"]


class Settings(NamedTuple):
    """The settings of one run.

    Attributes
    ----------
    cases : tuple of Case
    peers : tuple of Peer
    device : {"cpu", "cuda"}
    repeats : int
        Rounds.
    window : float
        The minimum seconds of one measurement.
    clock : str
        A name of `CLOCKS`.
    """

    cases: tuple[Case, ...]
    peers: tuple[Peer, ...]
    device: str = "cpu"
    repeats: int = 5
    window: float = 0.3
    clock: str = "wall"

    @property
    def timer(self) -> Clock:
        """The clock itself."""
        return CLOCKS[self.clock]

    @property
    def medium(self) -> Case:
        """The case for measurements that take only one: M, or else the first."""
        return next((case for case in self.cases if case.name == "M"), self.cases[0])
