"""Capability ``objective.path``: denoising along any path, in the five predictions and with the usual weights."""

from __future__ import annotations

from refscore.conformance.capabilities.objectives.common import COMMON
from refscore.conformance.capabilities.objectives.path_cases import path_cases, path_reference
from refscore.conformance.capabilities.objectives.path_faults import PATH_FAULTS
from refscore.conformance.capability import Capability, Convention

__all__ = ["PATH_LOSS"]

PATH_LOSS = Capability(
    name="objective.path",
    title="Denoising along a path, in any prediction",
    signature=(
        "path(predict, x0 (n, d), noise (n, d), t (n,), *, alpha (n,), sigma (n,)) -> (n,);  predict(x, t);  with "
        "velocity also alpha_dot (n,), sigma_dot (n,), with diffusion**2 also diffusion (n,)"
    ),
    formula="ℓ = ½ w |P(α x₀ + σ ε, t) − T|²",
    label="PATHL.2",
    source="Song et al. (2021), eq. 7; Ho et al. (2020), eq. 14",
    page="docs/objectives/path.md",
    reference=path_reference,
    cases=path_cases,
    conventions=(
        *COMMON,
        Convention("prediction", "score", ("score", "noise", "data", "v", "velocity"), "what the network predicts"),
        Convention(
            "weight",
            "one",
            ("one", "sigma**2", "diffusion**2", "snr", "min_snr", "edm"),
            "w; min_snr (γ = 5) as its paper has it for the prediction, edm is SNR + 1/0.5²",
        ),
    ),
    truth="½ w c² [|A(α μ − b)|² + α² tr A Σ Aᵀ + |I/σ − σ A|²] for a prediction made of s = −A(x − b), c of (WGT.1)",
    derivation=(
        "Least squares at each t: the minimiser is P(x, t) = E[T | x_t = x], whatever w is.",
        "T = −ε/σ, ε, x₀, αε − σx₀ or α'x₀ + σ'ε. Since αx₀ + σε = x_t is given, each is a",
        "multiple of the first plus a multiple of x_t, and so are the means; the residuals",
        "P − T are then multiples, P − T = c (s + ε/σ): one loss in five weights w c².",
    ),
    faults=PATH_FAULTS,
)
