"""Gradients that the suite derives: the implementation's own objective, differentiated in the model's parameters.

Where an adapter's arrays know autodiff, nobody has to offer a gradient. The objective is given a model whose parameters
refscore holds, its reduction is undone to the mean over the batch, and torch or JAX differentiates that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import Function
from refscore.conformance.kinds import ArrayKind

__all__ = ["AUTODIFF", "Learnable", "NoGradient", "derived"]

AUTODIFF = ("torch", "jax")

OPT_OUT = "declare gradient=False where nothing is trained with it"


class NoGradient(Exception):
    """The objective has a value and no gradient that the suite could reach.

    Parameters
    ----------
    message : str
        Why.
    outcome : {"fail", "inconclusive"}
        Whether that is a mistake.
    """

    symptom = "no gradient"

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class Model(Protocol):
    """A test model with parameters."""

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array."""

    def cast(self, dtype: str) -> Any:
        """The same model in a dtype of NumPy, derivatives in θ included."""

    def formula(self, parameters: Sequence[Any], tanh: Any) -> Callable[..., Any]:
        """The model as a function in the library of these parameters."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Learnable:
    """A test model as an argument of a gradient: with NumPy the model itself, elsewhere something to differentiate.

    Parameters
    ----------
    model : Field, Perceptron, Levelled, Quartic or PerceptronEnergy
        The model.
    """

    model: Model

    def given_in(self, kind: ArrayKind) -> Any:
        """The model in an array library."""
        return self.model.cast(kind.dtype) if kind.library == "numpy" else _Given(self.model, kind)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """A model and the library it is going to be written in."""

    model: Model
    kind: ArrayKind

    @property
    def parameters(self) -> list[Any]:
        """Fresh arrays of the library."""
        return [self.kind.make(p) for p in self.model.parameters]

    def at(self, parameters: Sequence[Any]) -> Callable[..., Any]:
        """The model as the objective gets it."""
        return self.model.formula(parameters, self.kind.tanh)


def derived(function: Function, library: str, reduction: str) -> Function:
    """The gradient of the mean of an objective over the batch, by the library's own autodiff.

    Parameters
    ----------
    function : callable
        The implementation's objective.
    library : {"torch", "jax"}
        What differentiates.
    reduction : {"none", "mean", "sum"}
        What the objective does with the batch.

    Returns
    -------
    callable
        With the signature of the objective, from a :class:`Learnable` as it is given and the other arguments to (p,).
    """
    differentiate = {"torch": _by_torch, "jax": _by_jax}[library]

    @functools.wraps(function)
    def gradient(given: _Given, *arguments: Any, **keywords: Any) -> Any:
        n = len(next(argument for argument in arguments if not isinstance(argument, _Given)))

        def mean(parameters: Sequence[Any]) -> Any:
            model = given.at(parameters)  # a second one to differentiate is the same: a student may be its own teacher
            value = function(model, *(model if isinstance(a, _Given) else a for a in arguments), **keywords)
            return value, (lambda: value.sum() / n if reduction == "sum" else value.mean())

        return differentiate(mean, given.parameters)

    return gradient


def _by_torch(mean: Callable[..., Any], parameters: list[Any]) -> Any:
    import torch

    leaves = [parameter.requires_grad_() for parameter in parameters]
    value, reduced = mean(leaves)
    if not isinstance(value, torch.Tensor):
        raise NoGradient(f"returned {_named(value)}, which torch cannot differentiate: {OPT_OUT}", "inconclusive")
    if not value.requires_grad:  # a constant to autograd: its gradient is zero, as an optimiser would find
        return torch.cat([torch.zeros_like(leaf).ravel() for leaf in leaves])
    try:
        found = torch.autograd.grad(reduced(), leaves, allow_unused=True)
    except RuntimeError as error:
        hint = "\n  the score was differentiated in x without create_graph=True" if "second time" in str(error) else ""
        why = " ".join(str(error).split(". ")[0].split())
        raise NoGradient(f"torch cannot differentiate it in the model's parameters: {why}{hint}", "fail") from None
    whole = [torch.zeros_like(leaf) if part is None else part for leaf, part in zip(leaves, found)]
    return torch.cat([part.ravel() for part in whole])


def _by_jax(mean: Callable[..., Any], parameters: list[Any]) -> Any:
    import jax

    def total(leaves: Sequence[Any]) -> Any:
        value, reduced = mean(leaves)
        if not isinstance(value, jax.Array):
            raise NoGradient(f"returned {_named(value)}, which jax cannot differentiate: {OPT_OUT}", "inconclusive")
        return reduced()

    try:
        found = jax.grad(total)(parameters)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
        why = str(error).split(". ")[0].split("\n")[0]
        raise NoGradient(f"jax cannot differentiate it: {why}\n  {OPT_OUT}", "inconclusive") from None
    return jax.numpy.concatenate([part.ravel() for part in found])


def _named(value: Any) -> str:
    return "a NumPy array" if isinstance(value, np.ndarray) else type(value).__name__
