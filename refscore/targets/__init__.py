"""Distributions in closed form: everything about them is known, at every point and at every noise level.

A target p of x0 is closed under the noising x = α x0 + σ ε, ε ~ N(0, I): ``perturb(alpha, sigma)`` is a target again,
with ``log_prob``, ``score``, ``score_jacobian``, ``score_trace`` and ``hvp``. What x tells about x0 follows from the
score s and its Jacobian J at x, by Tweedie's formula and its second order,

    E[x0 given x] = (x + σ² s) / α                                                                   (TWEEDIE.1)
    Cov[x0 given x] = (σ/α)² (I + σ² J)                                                              (TWEEDIE.2)

Both cancel where σ is large beside α times the spread of the data. So ``denoise`` weighs x against the prior
(TWEEDIE.3), ``posterior_covariance`` adds positive terms (TWEEDIE.4), and they agree with the above to the digits that
it has left.
"""

from __future__ import annotations

from refscore.targets.empirical import Empirical, empirical
from refscore.targets.gaussian import Gaussian, gaussian
from refscore.targets.mixture import Mixture, mixture

__all__ = ["Empirical", "Gaussian", "Mixture", "empirical", "gaussian", "mixture"]
