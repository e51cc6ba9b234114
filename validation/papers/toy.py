"""NCSN's toy: two wells of weights 0.8 and 0.2 at ±(5, 5), plain against annealed Langevin, as exact numbers.

The target factorises over u = (x + y)/√2 and v = (x - y)/√2, Langevin's noise is isotropic, and so u runs by itself: on
the line, between ±√50, where the law is known to 1e-10. The start, uniform on [-8, 8]², is a triangle in u.
"""

from __future__ import annotations

import numpy as np

import refscore as rs
from refscore.exact import chapman_kolmogorov, mixing, on_the_line
from validation.papers.rows import Row, Table

__all__ = ["START", "TARGET", "table"]

TARGET = rs.targets.mixture([0.8, 0.2], [[50**0.5], [-(50**0.5)]])


def _triangle() -> rs.targets.Empirical:
    """Gauss-Legendre nodes of the density (a - |u|)/a² on [-a, a], a = 8 √2: exact for what varies as slowly."""
    node, weight = np.polynomial.legendre.leggauss(64)
    a = 8 * np.sqrt(2.0)
    u = 0.5 * a * np.concatenate([node + 1, -node - 1])
    w = np.concatenate([weight, weight]) * (a - np.abs(u))
    return rs.targets.empirical(u[:, None], w / w.sum())


START = _triangle()


def table() -> Table:
    """The weights and widths of the wells, and what they are at last."""
    plain = rs.samplers.langevin(step_size=0.1)
    levels = rs.schedules.geometric(n=10, sigma_min=1.0, sigma_max=20.0)
    annealed = rs.samplers.annealed(levels, step_size=0.1, steps_per_level=100)
    after_plain = chapman_kolmogorov.law(plain, TARGET, START, steps=1000)
    after_annealed = chapman_kolmogorov.law(annealed, TARGET, START)
    gap = mixing.spectral_gap(plain, TARGET)
    limit = mixing.stationary(plain, TARGET)
    right = {
        "plain": on_the_line.mass(after_plain.law, 0, np.inf),
        "annealed": on_the_line.mass(after_annealed.law, 0, np.inf),
    }
    rows = (
        Row("plain, 1000 steps: weight of the 0.8 well", "0.507–0.509", right["plain"], 3 * 0.0025),
        Row("annealed, 10 × 100 steps: weight of the 0.8 well", "0.781–0.783", right["annealed"], 3 * 0.0021),
    )
    noisy = TARGET.perturb(1.0, 1.0)
    far = [
        f"{on_the_line.total_variation(law, aim):.6f}, W₂ {on_the_line.wasserstein2(law, aim):.4f}"
        for law, aim in ((after_plain.law, TARGET), (after_annealed.law, noisy))
    ]
    error, at_last = max(after_plain.error, after_annealed.error), on_the_line.mass(limit.law, 0, np.inf)
    facts = (
        f"Exactly: plain {right['plain']:.10f}, annealed {right['annealed']:.10f} (errors below {error:.0e}). Plain "
        f"Langevin's total variation to the target is {far[0]}; annealed, to the target with the last noise, {far[1]}. "
        f"The spectral gap of plain Langevin is {gap.value:.6e} a step: weights relax in {1 / gap.value:.1e} steps, "
        f"and end at {at_last:.6f}, with the bias of the step size."
    )
    return Table(
        "toy",
        "Two wells: plain against annealed Langevin",
        "Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, Figure 3 "
        "(pictures); the ranges are the released toy code with exact scores, two runs of 40000 samples.",
        "Chapman–Kolmogorov quadrature along the axis of the wells; allowed: three standard errors. " + facts,
        rows,
    )
