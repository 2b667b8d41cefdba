"""Where arrays live: backends, homes, and the ways between them and the host."""
