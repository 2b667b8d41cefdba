"""What a trace tells: each file a subject, each function pure, from a trace to arrays.

As z, a and delta of every layer and every sample are plain arrays, what other libraries
need hooks or further passes for is arithmetic here, exact and on every backend.
"""
