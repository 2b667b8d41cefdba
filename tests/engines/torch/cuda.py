"""A stand-in for torch.cuda on the host: calls are captured, and replayed, as on a device."""

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Aside:
    """Stands for a stream, or for a context."""

    def __init__(self, *_: object) -> None: ...

    def wait_stream(self, other): ...

    def synchronize(self): ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...


class Graph:
    """Replays what was captured of it."""

    def __init__(self, cuda):
        self.cuda, self.calls = cuda, []

    def replay(self):
        self.cuda.replays += 1
        for function, arguments, named in self.calls:
            function(*arguments, **named)


class Capturing(TorchDispatchMode):
    """Notes what would be computed, and computes nothing."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        written = function._schema.is_mutable
        assert written or function.is_view, f"{function} makes memory while it is captured"
        if not written:
            return function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}))
        if not function._schema.returns:
            return None
        places = [each.name for each in function._schema.arguments if each.is_out]
        return kwargs[places[0]] if places else args[0]


class Cuda:
    """In the place of the module."""

    def __init__(self, real):
        self.real, self.captures, self.replays = real, 0, 0
        self.Stream = self.device = self.stream = Aside

    def __getattr__(self, name):
        return getattr(self.real, name)

    def current_stream(self):
        return Aside()

    def CUDAGraph(self):
        return Graph(self)

    @contextmanager
    def graph(self, graph, *, stream, capture_error_mode):
        assert isinstance(stream, Aside)
        assert capture_error_mode == "thread_local"
        self.captures += 1
        with Capturing(graph.calls):
            yield


def installed(monkeypatch):
    """Put it in the place of torch.cuda."""
    cuda = Cuda(torch.cuda)
    monkeypatch.setattr(torch, "cuda", cuda)
    return cuda
