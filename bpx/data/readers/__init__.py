"""Readers: a file of each kind as host arrays, nothing in it trusted before it is checked."""
