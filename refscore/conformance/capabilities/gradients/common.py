"""What the gradients of all objectives share: cases, conventions, and how a capability follows from its objective.

The value is the gradient of the batch mean in θ. Its size is a running error through the layers, forward and back
(``terms.py``, ``sweeps.py``), so it holds for hand-written gradients and for autodiff in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capabilities.objectives.common import BATCHES, COMMON, MODEL
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function, Values
from refscore.conformance.gradients import Learnable
from refscore.conformance.terms import Terms, exact

__all__ = ["POINTS", "axes", "detached", "gradient_case", "gradient_of", "score_and_terms"]

MEAN = Convention("reduction", "mean", ("mean", "sum"), "over the batch")

# The models and points of all gradients: the field, and networks where they bend.
POINTS = {name: (MODEL, x) for name, x in BATCHES.items()} | {
    f"{kind},{name}": (model, BATCHES[name]) for kind, model in NETWORKS.items() for name in ("n=d", "n<d", "n=1")
}


def score_and_terms(model: Any, x: Float) -> tuple[Float, Terms]:
    """The score at given points, and the same as rounding sees it."""
    return model(x), model.score_terms(x, np.zeros_like(x))


def axes(x: Float) -> Terms:
    """The unit vectors as directions of each sample, (n, d, d): with them the quadratic forms add up to the trace."""
    return exact(np.broadcast_to(np.eye(x.shape[-1]), (*x.shape, x.shape[-1])))


def gradient_case(
    name: str,
    conventions: Mapping[str, Any],
    arguments: tuple[Any, ...],
    terms: Terms,
    weight: float = 1.0,
    random: tuple[int, ...] = (),
    keywords: Mapping[str, Any] | None = None,
) -> Case:
    """A case of a gradient under its conventions; `terms` are those of the gradient of the batch sum."""
    (model, *rest), named = arguments, keywords or {}
    n, d = rest[0].shape
    scale = weight * float(conventions["factor"]) / 0.5 / (d if conventions["dimension"] == "mean" else 1)
    scale *= n if conventions["reduction"] == "sum" else 1

    def expect(function: Function) -> Values:
        return (scale * np.asarray(function(model, *rest, **named)),)

    size = where_zero(scale * terms.error / n)
    return Case(name, (Learnable(model), *rest), expect, (size,), named, random=random)


def detached(prefix: str, reference: Function) -> Fault:
    """The mistake that all objectives share: a value that autograd takes for a constant."""
    return Fault(
        f"{prefix}-detached",
        "the value is cut off from the parameters: the gradient is zero",
        "nothing is learned, and no error is raised; declare gradient=False where nothing is to be",
        lambda *arguments, **keywords: 0 * reference(*arguments, **keywords),
    )


def gradient_of(
    objective: Capability,
    *,
    formula: str,
    label: str,
    reference: Function,
    cases: Callable[[Mapping[str, Any]], Iterable[Case]],
    faults: tuple[Fault, ...],
    truth: str = "the mean of the objective over the batch, differentiated by hand",
) -> Capability:
    """The capability of an objective's gradient, under the conventions of the objective."""
    name, rest = objective.signature.split("(", 1)
    own = tuple(c for c in objective.conventions if c.name not in {common.name for common in COMMON})
    common = tuple(MEAN if c.name == "reduction" else c for c in COMMON)
    return Capability(
        name=f"{objective.name}.gradient",
        title=f"Gradient of {objective.name} in the parameters of the model",
        signature=f"{name}_gradient({rest.replace('-> (n,)', '-> (p,)')}",
        formula=formula,
        label=label,
        source=objective.source,
        page=objective.page,
        reference=reference,
        cases=cases,
        conventions=(*common, *own),
        truth=truth,
        derivative_of=objective.name,
        faults=faults,
    )
