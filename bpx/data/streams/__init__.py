"""Samples that need not fit in memory, read in blocks, window by window."""

from bpx.data.streams.stream import Stream, stream

__all__ = ["Stream", "stream"]
