"""Backends, homes, and transfers between them and the host."""
