"""What is true: expectations of objectives, laws of samplers, exact flows and discrepancies.

>>> import refscore as rs
>>> target = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
>>> start, stop = target.perturb(1.0, 4.0), target.perturb(1.0, 0.5)
>>> errors = []
>>> for n in (20, 40, 80):
...     times = rs.schedules.karras(n=n + 1, sigma_min=0.5, sigma_max=4.0)
...     law = rs.exact.law(rs.samplers.heun_ode(rs.paths.EDM(), times), target, start)
...     errors.append(rs.exact.wasserstein2(law, stop))
>>> round(rs.exact.observed_order(errors), 1)  # second order, and no sample was drawn
2.0

The truth about an objective has the objective's name, in one of three modules:

>>> rs.exact.expectations.denoising, rs.exact.variances.denoising, rs.exact.minimisers.denoising
(...)

On mixtures in one and two dimensions the same is known of any score model, with an error on the safe side:

>>> p = rs.targets.mixture(weights=[0.8, 0.2], means=[[3], [-3]])
>>> found = rs.exact.on_mixtures.explicit(lambda x: -x, p).expectation  # from N(0, 1) to it
>>> round(float(found.value), 6), bool(found.error < 1e-9)  # ½ 3², less where the modes see each other
(4.485377, True)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from refscore.exact.discrepancies import fisher, kl, total_variation, wasserstein2
from refscore.exact.flows import flow, flow_map
from refscore.exact.laws import law, step_map
from refscore.exact.maps import AffineMap, NotAffine, probe
from refscore.exact.on_the_way import Marginal, marginals
from refscore.exact.orders import Order, observed_order, order_of
from refscore.exact.quadrature import expectation
from refscore.exact.stationary import contraction_rate, stationary_law

if TYPE_CHECKING:
    from refscore.exact import (
        acceptance,
        best_variances,
        chapman_kolmogorov,
        chapman_kolmogorov_2d,
        closed_forms,
        concrete,
        conditional,
        consistency,
        consistency_sampling,
        consistent_annealed,
        convergence,
        couplings,
        curvature_propagation,
        directional,
        expectations,
        finite_difference,
        finite_difference_denoising,
        flow_matching,
        geodesic_walk,
        half_line,
        interpolants,
        kernels,
        minimisers,
        missing,
        mixing,
        on_mixtures,
        on_the_line,
        on_the_plane,
        path_losses,
        phase_space,
        progressive,
        pushed,
        ratio_matching,
        recursions,
        score_entropy,
        score_flow,
        variances,
        vlb,
        walls,
    )

__all__ = [
    "AffineMap",
    "Marginal",
    "NotAffine",
    "Order",
    "acceptance",
    "best_variances",
    "chapman_kolmogorov",
    "chapman_kolmogorov_2d",
    "closed_forms",
    "concrete",
    "conditional",
    "consistency",
    "consistency_sampling",
    "consistent_annealed",
    "contraction_rate",
    "convergence",
    "couplings",
    "curvature_propagation",
    "directional",
    "expectation",
    "expectations",
    "finite_difference",
    "finite_difference_denoising",
    "fisher",
    "flow",
    "flow_map",
    "flow_matching",
    "geodesic_walk",
    "half_line",
    "interpolants",
    "kernels",
    "kl",
    "law",
    "marginals",
    "minimisers",
    "missing",
    "mixing",
    "observed_order",
    "on_mixtures",
    "on_the_line",
    "on_the_plane",
    "order_of",
    "path_losses",
    "phase_space",
    "probe",
    "progressive",
    "pushed",
    "ratio_matching",
    "recursions",
    "score_entropy",
    "score_flow",
    "stationary_law",
    "step_map",
    "total_variation",
    "variances",
    "vlb",
    "walls",
    "wasserstein2",
]

_MODULES = (
    "acceptance",
    "best_variances",
    "chapman_kolmogorov",
    "chapman_kolmogorov_2d",
    "closed_forms",
    "concrete",
    "conditional",
    "consistency",
    "consistency_sampling",
    "consistent_annealed",
    "convergence",
    "couplings",
    "curvature_propagation",
    "directional",
    "expectations",
    "finite_difference",
    "finite_difference_denoising",
    "flow_matching",
    "geodesic_walk",
    "half_line",
    "interpolants",
    "kernels",
    "minimisers",
    "missing",
    "mixing",
    "on_mixtures",
    "on_the_line",
    "on_the_plane",
    "path_losses",
    "phase_space",
    "progressive",
    "pushed",
    "ratio_matching",
    "recursions",
    "score_entropy",
    "score_flow",
    "variances",
    "vlb",
    "walls",
)


def __getattr__(name: str) -> object:
    # These hold functions with the names of objectives and samplers: they are reached as modules, loaded when used.
    if name in _MODULES:
        return importlib.import_module(f"refscore.exact.{name}")
    raise AttributeError(f"module 'refscore.exact' has no attribute {name!r}; it has {', '.join(__all__)}")
