"""Code shared by the engines: planning, fallback, and reuse of memory."""
