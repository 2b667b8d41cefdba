"""The engine of the CuPy backend: plan a step, schedule it, capture a graph, replay it.

All arrays of a step live in one arena that belongs to the engine. A call copies the state in,
replays, and copies the new state out to fresh arrays, so the given state stays valid and a
returned state is never written again. The step's number is on the device and is increased
there, so that nothing is transferred between two replays.

This module decides the order of work and calls no library: `CupyMachine` does.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from logging import getLogger
from threading import RLock
from typing import Any

from bpx.program.accumulate import accumulated
from bpx.program.contract import leaves, rebuilt
from bpx.program.plan import Plan
from bpx_backends.engines.cuda.casts import casting
from bpx_backends.engines.cuda.contract import Machine, Machines
from bpx_backends.engines.cuda.precision import HALF, Shapes, check_precision, in_precision
from bpx_backends.engines.cuda.schedule import Schedule, check_ranks, fuses, schedule
from bpx_backends.engines.shared.planned import Planned

__all__ = ["CupyEngine", "Prepared", "Replay", "unrolled"]

_log = getLogger("bpx")

KEPT = 8
"""The most plans with memory on a device; the least recently used one frees its memory."""
_GRAPH_ITEMS = 256
_MANY_FLOPS = 5e9


@dataclass(frozen=True, eq=False)
class Prepared:
    """A plan, and its schedules in the engine's precision.

    Attributes
    ----------
    plan : Plan
    precision : str
    """

    plan: Plan
    precision: str
    _schedules: dict[Any, Schedule] = field(default_factory=dict)

    def schedule(self, *, bias: bool = True, wide: Set[Shapes] = frozenset()) -> Schedule:
        """Return what a step puts on the stream; `in_precision` explains `wide`."""
        key = bias, frozenset(wide)
        if key not in self._schedules:
            made = in_precision(self.plan, self.precision, fuses, wide)
            self._schedules[key] = schedule(made, bias=bias)
        return self._schedules[key]


class CupyEngine:
    """Prepare and run plans in a precision: ``CupyEngine("tf32").scan`` is a scan.

    Parameters
    ----------
    precision : {"float32", "tf32", "float16", "bfloat16"}
        The precision of a float32 network's matrix products. Sums are float32.
    machines : Machines, optional
        Machines other than CuPy's, for tests.

    Raises
    ------
    InputError
        If the precision is unknown or, on the first call, unavailable.
    """

    def __init__(self, precision: str = "float32", machines: Machines | None = None) -> None:
        self.precision = check_precision(precision)
        self._machines = machines
        self._lock = RLock()
        self._replays: OrderedDict[Any, Replay] = OrderedDict()
        # A product of halves adds up in another dtype than that of its factors.
        suiting = None if precision in HALF else partial(accumulated, scaled=False)
        self.scan = Planned(self.prepare, self.run, fuses, rewritten=suiting)

    def prepare(self, plan: Plan) -> Prepared:
        """Do the one-time work for a plan, for any device."""
        check_ranks(plan)
        in_precision(plan, self.precision, fuses)  # raises its errors before anything runs
        return Prepared(casting(plan, fuses), self.precision)

    def run(
        self,
        prepared: Prepared,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
    ) -> Any:
        """Return the state after the steps from `start` to `stop`."""
        machines = self.machines
        device = machines.key(rows)
        with machines.on(device):
            replay = self._replay(prepared, device)
            return replay.run(state, data, rows, start, stop, donate)

    def release(self) -> None:
        """Return the memory of all plans to the device; their kernels stay compiled."""
        with self._lock:
            self._replays.clear()
            machines = self._machines
        if machines is not None:
            machines.release()

    @property
    def machines(self) -> Machines:
        """CuPy's machines, made on first use."""
        with self._lock:
            if self._machines is None:
                from bpx_backends.engines.cuda.machine import CupyMachines

                self._machines = CupyMachines(self.precision)
            return self._machines

    def _replay(self, prepared: Prepared, device: Any) -> "Replay":
        key = prepared, device
        with self._lock:
            found = self._replays.get(key)
        if found is None:
            machine = self.machines.make(device, prepared.schedule)
            found = Replay(machine)
        with self._lock:
            self._replays[key] = found
            self._replays.move_to_end(key)
            while len(self._replays) > KEPT:
                self._replays.popitem(last=False)
        return found


class Replay:
    """A schedule on a machine, and its captured graphs."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.program = machine, machine.schedule.plan.program
        self.layout = machine.schedule.layout
        self.parts = machine.schedule.parts
        self.unroll = unrolled(machine.schedule)
        self.graphs: dict[int | range, Callable[[], None]] = {}
        self.warm = False

    def run(self, state: Any, data: Any, rows: Any, start: int, stop: int, donate: bool) -> Any:
        """Return the state after the steps from `start` to `stop`: the scan for this plan."""
        machine, entered = self.machine, list(leaves(state))
        arrays = [machine.usable(each) for each in (rows, *leaves(data))]
        pairs = zip(self.program.state, self.program.outputs, strict=True)
        changed = [i for i, (was, now) in enumerate(pairs) if was is not now]
        places = {i: self.layout.state[i] for i in changed}
        after = {i: entered[i] if donate else machine.fresh(p) for i, p in places.items()}
        with machine.active():
            machine.point(start, arrays)
            self._warm_up(entered, arrays)
            self._enter(entered, arrays)
            self._advance(stop - start)
            for i, x in after.items():
                machine.read(x, places[i])
        return rebuilt(state, [after.get(i, x) for i, x in enumerate(entered)])

    def _enter(self, entered: Sequence[Any], arrays: Sequence[Any]) -> None:
        for place, x in zip(self.layout.state, entered, strict=True):
            self.machine.write(place, x)
        for i, place in self.layout.staged.items():
            self.machine.write(place, arrays[1 + i])

    def _warm_up(self, entered: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Run one discarded step: kernels load at first launch, which a capture forbids.

        Nothing is summed over the ranks, of which each may have to begin again alone.
        """
        if not self.warm:
            self._enter(entered, arrays)
            for part, is_sum in self.parts.items():
                if not is_sum:
                    self.machine.step(0, part)
            self.machine.advance(0)
            self.warm = True

    def _advance(self, steps: int) -> None:
        advance = self._ranked if any(self.parts.values()) else self._alone
        if not (self.machine.captures and advance(steps)):
            self._steps(steps)

    def _alone(self, steps: int) -> bool:
        """Replay graphs of whole steps; False if they cannot be captured."""
        many, single = divmod(steps, self.unroll)
        times = {self.unroll: many, 1: single} if self.unroll > 1 else {1: steps}
        bodies = {
            length: partial(self._steps, length) for length, often in times.items() if often
        }
        if captured := self._captured(bodies):
            for length, often in times.items():
                for _ in range(often):
                    self.graphs[length]()
        return captured

    def _ranked(self, steps: int) -> bool:
        """Replay graphs of what is between the sums over the ranks; False as above.

        NCCL requires all ranks to capture a sum together, or none. A rank may have to capture
        again alone, after a callback of its own has trained; so no graph holds a sum.
        """
        bodies = {part: partial(self.machine.step, 0, part) for part in self.parts}
        own = {part: body for part, body in bodies.items() if not self.parts[part]}
        if captured := self._captured(own):
            step = [self.graphs.get(part, body) for part, body in bodies.items()]
            for _ in range(steps):
                for put in step:
                    put()
                self.machine.advance(1)
        return captured

    def _captured(self, bodies: Mapping[Any, Callable[[], None]]) -> bool:
        """Capture those that no graph has yet; return whether all have one."""
        try:
            for key, body in bodies.items():
                if key not in self.graphs:
                    self.graphs[key] = self.machine.capture(body)
        except Exception as why:  # a driver or a library may raise anything
            _log.warning(
                "steps are launched one by one, since no graph can hold them: %s", str(why)
            )
            self.machine.captures = False
            return False
        return True

    def _steps(self, steps: int) -> None:
        whole = range(len(self.machine.schedule.items))
        for number in range(steps):
            self.machine.step(number, whole)
        self.machine.advance(steps)


def unrolled(made: Schedule) -> int:
    """Return the number of steps in a graph: several if they are small, to save launches."""
    if made.plan.program.flops > _MANY_FLOPS:
        return 1
    return max(1, min(32, _GRAPH_ITEMS // max(1, len(made.items))))
