"""refscore: the exact oracle of score matching and score-based generative models.

Every formula by hand, in NumPy and float64. Modules load when first used:

>>> import refscore as rs
>>> p = rs.targets.gaussian([1, 0], 4)
>>> p.score([[3, 0]])
array([[-0.5, -0. ]])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refscore import (
        arrays,
        conformance,
        exact,
        fit,
        models,
        noise,
        objectives,
        paths,
        predictions,
        progress,
        samplers,
        schedules,
        sde,
        targets,
    )

__version__ = "0.1.0"
__all__ = [
    "arrays",
    "conformance",
    "exact",
    "fit",
    "models",
    "noise",
    "objectives",
    "paths",
    "predictions",
    "progress",
    "samplers",
    "schedules",
    "sde",
    "targets",
]


def __getattr__(name: str) -> object:
    # PEP 562: `import refscore` stays as cheap as NumPy; SciPy is paid for by the first module that needs it.
    if name in __all__:
        return importlib.import_module(f"refscore.{name}")
    raise AttributeError(f"module 'refscore' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
