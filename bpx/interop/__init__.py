"""Rooms in which bpx meets other libraries. Each imports its library when it is used."""
