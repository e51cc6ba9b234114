"""What a comparison with a released sampler needs: the same score on both sides, and how far apart rounding takes them.

Both sides ask one NumPy function for the score. What is left is the arithmetic of the steps: one of n steps rounds some
ten times in numbers of the size of the state, in the weights h/u'th parts of it are lost where h is small, and what is
wrong in the state comes back through the score. `ULPS` is what is allowed for one step.
"""

import sys
from contextlib import contextmanager
from unittest import mock

import numpy as np

import refscore as rs
from tests.samplers.laws import TARGET
from tests.samplers.solvers import MIXTURE

TARGETS = {"gaussian": TARGET, "mixture": MIXTURE}
ULPS = 20  # a step, in units of 2⁻⁵² times the largest coordinate on the way; most are within one


class Exact:
    """The predictions of the driver's exact model, from the score that ours are given."""

    def __init__(self, target):
        self.score = rs.samplers.noisy_score(target)

    def _score(self, x, alpha, sigma):
        import torch

        return torch.from_numpy(self.score(x.numpy(), float(alpha), float(sigma)))

    def noise(self, x, *, alpha, sigma):
        return -sigma * self._score(x, alpha, sigma)

    def data(self, x, *, alpha, sigma):
        return (x + sigma**2 * self._score(x, alpha, sigma)) / alpha

    def v(self, x, *, alpha, sigma):
        return alpha * self.noise(x, alpha=alpha, sigma=sigma) - sigma * self.data(x, alpha=alpha, sigma=sigma)

    def velocity(self, x, *, alpha, sigma, alpha_dot, sigma_dot):
        noise, data = self.noise(x, alpha=alpha, sigma=sigma), self.data(x, alpha=alpha, sigma=sigma)
        return alpha_dot * data + sigma_dot * noise


def run(sampler, target, x, noise=None):
    """Our run, and the size of the largest state on the way."""
    seen = [np.abs(x).max()]
    found = rs.samplers.replay(
        sampler, rs.samplers.noisy_score(target), x, noise, callback=lambda k, y: seen.append(np.abs(y).max())
    )
    return found, max(seen)


def gap(ours, theirs, size, n_steps):
    """Distance in units of `ULPS` roundings a step: at most 1 is the same."""
    return np.abs(ours - np.asarray(theirs)).max() / (ULPS * 2.0**-52 * n_steps * size)


def diffused(scheduler, target, x, ratios, *, prediction="noise", noise=None, change=None, step=None, **options):
    """The last state of a scheduler's run on these levels σ/α; `change` may touch the scheduler before it runs.

    The noise is what they draw, whatever they call to draw it.
    """
    import torch

    from validation.peers import diffusers_driver as driver

    steps = len(ratios) // 2 if scheduler == "PNDMScheduler" else len(ratios) - 1
    peer = driver.Peer("", scheduler, None, options=options, levels=lambda _: torch.tensor(ratios))
    with driver._as_released(peer):
        made = driver._scheduler(peer, steps, prediction)
        if change is not None:
            change(made)
        state, exact = torch.tensor(x), Exact(target)
        with drawn(made, noise):
            for number, t in enumerate(made.timesteps):
                output = driver._output(peer, made, exact, prediction, state, number, t)
                state = made.step(output, t, state, **(step or {})).prev_sample
    return state.numpy()


@contextmanager
def drawn(scheduler, noise):
    import torch

    draws = iter(() if noise is None else torch.tensor(noise))
    module = sys.modules[type(scheduler).__module__]
    if hasattr(module, "randn_tensor"):
        with mock.patch.object(module, "randn_tensor", side_effect=draws):
            yield
    else:
        yield
