"""A deep Q-network (Mnih et al. 2015) learns to balance a pole: ``python examples/dqn.py``."""

import numpy as np

import bpx

STEPS, BATCH, GAMMA = 15_000, 64, 0.99


class Agent:
    """Learns Q(s, a), one output per action, from the target 1 + gamma max_a Q_older(s', a)."""

    def __init__(self, seed):
        settings = {"hidden": "relu", "output": "identity", "seed": seed, "backend": "numpy"}
        self.net, self.older = (bpx.Network([4, 64, 64, 2], **settings) for _ in range(2))
        self.trainer = bpx.Trainer(self.net, optimizer=bpx.Adam(1e-3))

    def q(self, s):
        return self.net.forward(s).a[-1]

    def learn(self, s, a, following, fell):
        y = self.q(s).copy()  # so the action that was not taken has no error
        best = self.older.forward(following).a[-1].max(axis=1)
        y[np.arange(BATCH), a] = 1.0 + GAMMA * best * (1.0 - fell)
        self.trainer.step(s, y)

    def keep(self):
        self.older.parameters = self.net.parameters


def moved(s, action):
    """Return the state of cart and pole after 0.02 s (Barto, Sutton and Anderson 1983)."""
    _, v, angle, omega = s
    sin, cos = np.sin(angle), np.cos(angle)
    push = (20.0 * action - 10.0 + 0.05 * omega**2 * sin) / 1.1
    turn = (9.8 * sin - cos * push) / (2.0 / 3.0 - 0.05 * cos**2 / 1.1)
    return s + 0.02 * np.array([v, push - 0.05 * turn * cos / 1.1, omega, turn])


def play(agent, seed):
    """Return the number of steps that the pole stayed up in each episode, at most 500."""
    rng, memory, lengths, t0 = np.random.default_rng(seed), np.zeros((STEPS, 10)), [], 0
    s = rng.uniform(-0.05, 0.05, 4)
    for t in range(STEPS):
        explores = rng.random() < max(0.05, 1.0 - t / 5_000)
        a = rng.integers(2) if explores else int(agent.q(s[None].astype("float32")).argmax())
        memory[t, :5], s = (*s, a), moved(s, a)
        memory[t, 5:] = *s, (fell := abs(s[0]) > 2.4 or abs(s[2]) > 0.2095)
        if fell or t - t0 == 499:
            lengths, t0, s = [*lengths, t + 1 - t0], t + 1, rng.uniform(-0.05, 0.05, 4)
        if t >= 1_000:
            m = memory[rng.integers(0, t + 1, BATCH)].astype("float32")
            agent.learn(m[:, :4], m[:, 4].astype(int), m[:, 5:9], m[:, 9])
        if t % 500 == 0:
            agent.keep()
    return lengths


if __name__ == "__main__":
    print("steps that the pole stayed up:", *play(Agent(seed=0), seed=0))
