"""Capabilities ``objective.explicit`` and ``objective.implicit``: Hyvärinen's score matching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.conformance.capabilities.objectives.common import (
    BATCHES,
    COMMON,
    DATA_SCORE,
    MODEL,
    half_square,
    objective_case,
)
from refscore.conformance.capability import Capability, Case, Fault
from refscore.objectives import explicit, implicit

__all__ = ["EXPLICIT", "IMPLICIT"]


def _explicit_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, x in BATCHES.items():
        target = DATA_SCORE(x)
        size = half_square(MODEL(x) - target, MODEL.magnitude(x) + np.abs(target))
        yield objective_case(name, conventions, (MODEL, x, target), explicit, size)


EXPLICIT = Capability(
    name="objective.explicit",
    title="Explicit score matching: the Fisher divergence, sample by sample",
    signature="explicit(score, x (n, d), data_score (n, d)) -> (n,)",
    formula="ℓ = ½ |s(x) − s_data|²",
    label="ESM.2",
    source="Hyvärinen (2005), eq. 2",
    page="docs/objectives/explicit.md",
    reference=explicit,
    cases=_explicit_cases,
    conventions=COMMON,
    truth="zero exactly where the model is the data score",
    derivation=(
        "½ E|s(x) − s_data(x)|² is half the Fisher divergence of the model from the data, and",
        "vanishes only where s = s_data. The model's normaliser does not enter: s = ∇log q is",
        "the same for every multiple of q. Where s_data is not at hand: objective.implicit.",
    ),
    faults=(
        Fault(
            "ESM-sign",
            "the data score is added instead of subtracted",
            "the model learns −∇log p: samples flee the data",
            lambda s, x, t: 0.5 * ((s(x) + t) ** 2).sum(-1),
        ),
        Fault(
            "ESM-norm",
            "the norm is not squared",
            "gradients of unit size everywhere: training stalls near the optimum",
            lambda s, x, t: 0.5 * np.sqrt(((s(x) - t) ** 2).sum(-1)),
        ),
        Fault(
            "ESM-absolute",
            "absolute values instead of squares",
            "learns the median, not the mean: biased under noise",
            lambda s, x, t: 0.5 * np.abs(s(x) - t).sum(-1),
        ),
        Fault(
            "ESM-no-cross",
            "the cross term is lost",
            "the model learns zero",
            lambda s, x, t: 0.5 * (s(x) ** 2).sum(-1) + 0.5 * (t**2).sum(-1),
        ),
        Fault(
            "ESM-batch-sum",
            "the norm runs over the batch instead of the dimensions",
            "the value of a sample depends on its neighbours",
            lambda s, x, t: 0.5 * ((s(x) - t) ** 2).sum(0),
        ),
    ),
)


def _implicit_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, x in BATCHES.items():
        size = np.trace(MODEL.jacobian_magnitude(x), axis1=-2, axis2=-1) + half_square(MODEL(x), MODEL.magnitude(x))
        yield objective_case(name, conventions, (MODEL, x), implicit, size)


IMPLICIT = Capability(
    name="objective.implicit",
    title="Implicit score matching: no data score, but the trace of the Jacobian",
    signature="implicit(score, x (n, d)) -> (n,)",
    formula="ℓ = tr J(x) + ½ |s(x)|²",
    label="ISM.2",
    source="Hyvärinen (2005), eq. 4",
    page="docs/objectives/implicit.md",
    reference=implicit,
    cases=_implicit_cases,
    conventions=COMMON,
    truth="differs from explicit score matching by a constant in the model",
    derivation=(
        "½|s − ∇log p|² = ½|s|² − s·∇log p + ½|∇log p|², whose last term knows no model.",
        "E[s·∇log p] = ∫ s·∇p dx = −∫ p div s dx = −E[tr J], by parts: p s vanishes far out.",
        "Hence E[tr J + ½|s|²] = E ½|s − ∇log p|² − ½ E|∇log p|².",
    ),
    faults=(
        Fault(
            "ISM-half-trace",
            "the trace is halved with the norm",
            "the learned precision is half the true one",
            lambda s, x: 0.5 * s.trace(x) + 0.5 * (s(x) ** 2).sum(-1),
        ),
        Fault(
            "ISM-no-half",
            "the norm is not halved, the trace is not doubled",
            "the learned precision is half the true one",
            lambda s, x: s.trace(x) + (s(x) ** 2).sum(-1),
        ),
        Fault(
            "ISM-sign",
            "the trace enters with a minus",
            "unbounded below: the model sharpens without end",
            lambda s, x: -s.trace(x) + 0.5 * (s(x) ** 2).sum(-1),
        ),
        Fault(
            "ISM-sum-of-jacobian",
            "the gradient of the sum of the score is summed: all entries of J, not its diagonal",
            "right for diagonal covariances only; correlations are learned wrongly",
            lambda s, x: s.jacobian(x).sum((-2, -1)) + 0.5 * (s(x) ** 2).sum(-1),
            "https://github.com/ermongroup/sliced_score_matching/issues/3",
        ),
        Fault("ISM-trace-only", "the norm is left out", "unbounded below", lambda s, x: s.trace(x)),
        Fault(
            "ISM-frobenius",
            "the norm of J instead of its trace",
            "penalises curvature of either sign",
            lambda s, x: (s.jacobian(x) ** 2).sum((-2, -1)) + 0.5 * (s(x) ** 2).sum(-1),
        ),
    ),
)
