"""Training on several ranks: each computes its part of every mini-batch; gradients are added.

A rank is one of several processes that run the same program, as MPI starts them. All have the
same weights and the same state. Each takes its rows of a mini-batch, computes BP1 to BP4 for
them, and gets the sum of the gradients over the ranks; so all take the same step. The
mini-batches, and what is drawn for their rows, do not depend on the number of ranks.
"""
