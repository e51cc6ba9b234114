"""What it takes to see a released sampler at full precision: lifted modules, smooth noise levels, plain Brownian noise.

Nothing here is part of a library under test, and everything is undone on the way out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch

__all__ = ["SIGMA_MAX", "SIGMA_MIN", "BrownianNoise", "absent", "levels", "lifted", "replaced"]

# Noise levels relative to the signal for the orders: far above and far below the data's spread, near enough to each
# other that 20 steps are a small step size.
SIGMA_MAX, SIGMA_MIN = 5.0, 0.05


@contextmanager
def lifted(module: ModuleType) -> Iterator[None]:
    """While open, `module` sees float64 wherever it writes ``torch.float32``, ``np.float32`` or no dtype at all.

    Released samplers round their tables and states to float32, which hides everything below 1e-6. Their formulas do not
    change.

    Parameters
    ----------
    module : module
        One that has ``torch`` or ``np`` among its globals.

    Yields
    ------
    None
        The context.
    """
    over = {"torch": {"float32": torch.float64, "float16": torch.float64}, "np": {"float32": np.float64}}
    held = {name: _Proxy(vars(module)[name], over[name]) for name in over if name in vars(module)}
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.dict(vars(module), held):
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def replaced(module: ModuleType, **names: Any) -> Iterator[None]:
    """While open, `module` sees these in place of what ``torch`` has under their names.

    Parameters
    ----------
    module : module
        One that has ``torch`` among its globals.
    **names : object
        Stand-ins.

    Yields
    ------
    None
        The context.
    """
    with mock.patch.dict(vars(module), {"torch": _Proxy(vars(module)["torch"], names)}):
        yield


class _Proxy(ModuleType):
    """A module with some names exchanged."""

    def __init__(self, real: ModuleType, over: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(over, _real=real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """While open, importing one of these modules gives an empty one, installed or not.

    Parameters
    ----------
    *names : str
        Modules that the code under test imports and never uses here, e.g. "torchvision.transforms".

    Yields
    ------
    None
        The context.
    """
    empty = {name: ModuleType(name) for name in names}
    for name, module in empty.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(empty[parent], child, module)
    kept = {name: sys.modules.get(name) for name in names}
    sys.modules.update(empty)
    try:
        yield
    finally:
        for name, before in kept.items():
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before


def levels(warm: int = 1, top: float = SIGMA_MAX, bottom: float = SIGMA_MIN) -> Callable[[int], torch.Tensor]:
    """Noise levels, uniform in log σ, that show the order p of a method with p - 1 starting steps.

    A multistep method starts at order one, and a first step of ordinary size leaves an error h² whatever p is. So the
    j-th starting step, which has order j, has size h n^(-(p - j)/(j + 1)) / p: its error is that of an ordinary step of
    order p.

    Parameters
    ----------
    warm : int
        p; 1 for a method that needs no history.
    top, bottom : float
        First and last noise level.

    Returns
    -------
    callable
        From n to the p + n descending levels of p - 1 starting steps and n ordinary ones.
    """

    def of(n_steps: int) -> torch.Tensor:
        length = math.log(top / bottom)
        down = [0.0]
        for j in range(1, warm):
            down.append(down[-1] + length / n_steps * n_steps ** (-(warm - j) / (j + 1)) / warm)
        grid = np.concatenate([down[:-1], np.linspace(down[-1], length, n_steps + 1)])
        sigmas = top * np.exp(-grid)
        sigmas[-1] = bottom
        return torch.from_numpy(sigmas)

    return of


class BrownianNoise:
    """Normalised increments of one Brownian motion in σ, made of plain normal draws.

    Stands in for a Brownian tree: an increment over [σ', σ] is known once drawn, and a later one over a longer interval
    contains it. Levels must be asked for in descending order.

    Parameters
    ----------
    x : (n, d) tensor
        The state; increments have its shape.
    """

    def __init__(self, x: torch.Tensor) -> None:
        self._x = x
        self._sigmas: list[float] = []
        self._paths: list[torch.Tensor] = []

    def __call__(self, sigma: Any, sigma_next: Any) -> torch.Tensor:
        """(W(σ) - W(σ')) / √|σ - σ'|, standard normal."""
        first = self._at(float(sigma))
        return (self._at(float(sigma_next)) - first) / math.sqrt(abs(float(sigma) - float(sigma_next)))

    def _at(self, sigma: float) -> torch.Tensor:
        for known, path in zip(self._sigmas, self._paths):
            if math.isclose(known, sigma, rel_tol=1e-9):  # σ comes back through exp and log
                return path
        if not self._sigmas:
            path = torch.zeros_like(self._x)
        elif sigma < self._sigmas[-1]:
            path = self._paths[-1] + math.sqrt(self._sigmas[-1] - sigma) * torch.randn_like(self._x)
        else:
            raise ValueError(f"sigma is {sigma} after {self._sigmas[-1]}; expected descending noise levels")
        self._sigmas.append(sigma)
        self._paths.append(path)
        return path
