"""The paths by definition, in 50 digits: nothing is rearranged, so what cancels here costs digits that are there."""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

from refscore.paths import EDM, VE, VP, Cosine, CustomPath, DiscreteVP, Flow, SubVP, VETransition

mp.mp.dps = 50
U = mp.mpf(2) ** -53


@dataclass(frozen=True)
class Case:
    """A path beside its α and σ in mpmath.

    `exponent` is the largest |log α| or |log(σ/σ_min)| that an exp has to make: a rounding of the exponent is that many
    roundings of the value. σ'(0) is infinite unless a number is given.
    """

    name: str
    path: object
    alpha: Callable
    sigma: Callable
    exponent: float
    sigma_dot_at_0: float = float("inf")

    @property
    def ulps(self):
        return 4 * (1 + self.exponent)

    @property
    def times(self):
        inside = [1e-10, 1e-5, 0.001, 0.125, 0.3, 0.5, 0.77, 1 - 1e-5, 1 - 1e-10, 1.0]
        return [self.path.t_max * t for t in inside]

    @property
    def times_with_signal(self):
        return [t for t in self.times if abs(self.alpha(mp.mpf(t))) > mp.mpf(10) ** -40]

    def slope(self, function, t):
        # From below, which at the nodes of a discrete path is the side that is promised.
        return mp.diff(function, mp.mpf(t), direction=-1 if isinstance(self.path, DiscreteVP) else 0)

    def log_snr(self, t):
        return mp.log(self.alpha(t) / self.sigma(t))

    def log_snr_dot(self, t):
        t = mp.mpf(t)
        return self.slope(self.alpha, t) / self.alpha(t) - self.slope(self.sigma, t) / self.sigma(t)


def vp(beta_min, beta_max):
    low, high = mp.mpf(beta_min), mp.mpf(beta_max)

    def alpha(t):
        return mp.exp(-(low * t + (high - low) * mp.mpf(t) ** 2 / 2) / 2)

    return alpha, lambda t: mp.sqrt(1 - alpha(t) ** 2)


def subvp(beta_min, beta_max):
    alpha, _ = vp(beta_min, beta_max)
    return alpha, lambda t: 1 - alpha(t) ** 2


def ve(sigma_min, sigma_max):
    low, high = mp.mpf(sigma_min), mp.mpf(sigma_max)
    return lambda t: mp.mpf(1), lambda t: low * (high / low) ** t


def ve_transition(sigma_min, sigma_max):
    one, sigma = ve(sigma_min, sigma_max)
    return one, lambda t: mp.sqrt(sigma(t) ** 2 - mp.mpf(sigma_min) ** 2)


def cosine(s):
    def root_f(t):  # √f; f itself is its square, and the root of a square would have a corner at t = 1
        return mp.cos((t + mp.mpf(s)) / (1 + mp.mpf(s)) * mp.pi / 2)

    return lambda t: root_f(t) / root_f(0), lambda t: mp.sqrt(1 - (root_f(t) / root_f(0)) ** 2)


def discrete_vp(betas):
    n, bars = len(betas), [mp.mpf(1)]
    for beta in betas:
        bars.append(bars[-1] * (1 - mp.mpf(float(beta))))

    def alpha(t):
        k = min(max(int(mp.floor(t * n)), 0), n - 1)
        part = mp.mpf(t) * n - k
        return mp.exp((mp.log(bars[k]) * (1 - part) + mp.log(bars[k + 1]) * part) / 2)

    return alpha, lambda t: mp.sqrt(1 - alpha(t) ** 2)


def custom_vp(z):
    return np.exp(-0.5 * z * (0.1 + 0.5 * z * 19.9))


SIX = np.array([0.001, 0.3, 0.02, 0.05, 0.4, 0.999])  # neither monotone nor tame; 0.5 is a node, 0.125 is not
CASES = [
    Case("VP", VP(), *vp(0.1, 20.0), 5.0),
    Case("VP, constant rate", VP(3.0, 3.0), *vp(3.0, 3.0), 1.5),
    Case("SubVP", SubVP(), *subvp(0.1, 20.0), 5.0, 0.1),
    Case("VE", VE(), *ve(0.01, 50.0), 8.5, 0.01 * np.log(5000)),
    Case("VETransition", VETransition(), *ve_transition(0.01, 50.0), 8.5),
    Case("VETransition, narrow", VETransition(1.0, 1.001), *ve_transition(1.0, 1.001), 0.0),
    Case("EDM", EDM(), lambda t: mp.mpf(1), lambda t: mp.mpf(t), 0.0, 1.0),
    Case("Cosine", Cosine(), *cosine(0.008), 0.0),
    Case("Cosine, no offset", Cosine(0), *cosine(0), 0.0, np.pi / 2),
    Case("Cosine, large offset", Cosine(3.0), *cosine(3.0), 0.0),
    Case("Flow", Flow(), lambda t: 1 - mp.mpf(t), lambda t: mp.mpf(t), 0.0, 1.0),
    Case("DiscreteVP", DiscreteVP(SIX), *discrete_vp(SIX), 5.0),
    Case(
        "CustomPath, VP",
        CustomPath(custom_vp, lambda z: np.sqrt(-np.expm1(-z * (0.1 + 0.5 * z * 19.9)))),
        *vp(0.1, 20.0),
        5.0,
    ),
]
IDS = [case.name for case in CASES]


def error(value, exact):
    """|value - exact| / |exact| in units of u."""
    exact = mp.mpf(exact)
    return float(abs(mp.mpf(float(value)) - exact) / (abs(exact) * U))
