"""``sampler.black_box`` as one value: conventions, checks and faults together."""

from __future__ import annotations

from refscore.conformance.capabilities.black_box.checks import black_box_checks
from refscore.conformance.capabilities.black_box.faults import FAULTS, heun
from refscore.conformance.capability import Capability, Convention

__all__ = ["BLACK_BOX"]

PREDICTIONS = ("score", "noise", "data", "v", "velocity")


def _is_level(value: object) -> bool:
    if callable(value):
        return True
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    return pair and all(isinstance(v, (int, float)) and v >= 0 for v in value)  # type: ignore[attr-defined]


def _is_order(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and 0 < value < 20)


def _is_steps(value: object) -> bool:
    counts = list(value) if isinstance(value, (tuple, list)) else []
    return len(counts) >= 4 and all(isinstance(n, int) and n > 0 for n in counts) and counts == sorted(set(counts))


def _is_predictions(value: object) -> bool:
    return isinstance(value, (tuple, list)) and all(name in PREDICTIONS for name in value)


BLACK_BOX = Capability(
    name="sampler.black_box",
    title="Any sampler of any library, run with the perfect model",
    signature="black_box(exact, x (n, d), *, n_steps) -> (n, d)",
    formula="x' = M x + Σ_k N_k z_k + c,   N(m, C) → N(M m + c, M C Mᵀ + Σ_k N_k N_kᵀ)",
    label="LAW.2",
    source="the claimed order of the method's paper",
    page="docs/exact/laws.md",
    reference=heun,
    cases=lambda conventions: (),
    checks=black_box_checks,
    noise="recorded",
    truth="the flow of a Gaussian in closed form, of a mixture by integration to 1e-13; the law N(α m, α² C + σ² I)",
    conventions=(
        Convention("order", None, (), "of the ODE method, or weak order; None asks for none", _is_order, True),
        Convention("start", None, (), "(alpha, sigma), or a function of n_steps", _is_level, True),
        Convention("stop", None, (), "(alpha, sigma), or a function of n_steps", _is_level, True),
        Convention("stochastic", False, (False, True), "whether it draws noise"),
        Convention("clamps", False, (False, True), "whether it clips or thresholds on purpose"),
        Convention(
            "mean",
            "exact",
            ("exact", "in order"),
            'at every step count, or, "in order", as accurately as its steps solve the drift of α too',
        ),
        Convention("steps", (20, 40, 80, 160), (), "at least four rising step counts that show the order", _is_steps),
        Convention(
            "predictions",
            (),
            (),
            f"what the function takes as prediction=: some of {', '.join(PREDICTIONS)}",
            _is_predictions,
        ),
    ),
    faults=FAULTS,
)
