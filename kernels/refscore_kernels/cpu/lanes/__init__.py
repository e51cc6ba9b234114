"""Kernels as plain functions over blocks of lanes: chain l is lane l, dimension i is row i.

Nothing here is compiled where it stands: :mod:`refscore_kernels.cpu.compiling` compiles all of it, once for each type
of number. ``run_*`` are the kernels, called from Python and kept in Numba's
cache, and ``call_*`` those that are compiled for a function of the user's; everything else is inlined into them.
"""

from __future__ import annotations

from refscore_kernels.cpu.lanes import (
    densities,
    given,
    kernels,
    metropolis,
    mixtures,
    networks,
    noise,
    products,
    scores,
    steps,
    users,
)

MODULES = (noise, products, scores, mixtures, networks, densities, steps, metropolis, given, kernels, users)
