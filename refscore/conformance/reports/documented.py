"""What ``refscore explain`` says of an objective that no capability asks for: its own documentation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from rich.console import Console
from rich.text import Text

from refscore import objectives

__all__ = ["Documented", "documented", "names", "print_documented"]

FAMILY = "objective."
MODELS = {"score", "predict", "velocity", "denoiser", "student", "model", "network", "log_prob", "density"}


@final
@dataclass(frozen=True, slots=True)
class Documented:
    """The documentation of a function of refscore.

    Parameters
    ----------
    signature : str
        How it is called.
    theory : str
        The docstring of its module: the derivation in short.
    text : str
        Its own docstring: formula, shapes, references, an example.
    page : str
        The docs page.
    """

    signature: str
    theory: str
    text: str
    page: str


def names() -> list[str]:
    """Everything that can be asked for beside the capabilities.

    Returns
    -------
    list of str
        "objective.ddpm" and the like.
    """
    functions = {name: getattr(objectives, name) for name in objectives.__all__}
    return [FAMILY + name for name, function in functions.items() if _takes_a_model(function)]


def documented(name: str) -> Documented | None:
    """Find the documentation of an objective.

    Parameters
    ----------
    name : str
        "objective.NAME", NAME a function of ``refscore.objectives``.

    Returns
    -------
    Documented or None
        None if there is no such function.

    Examples
    --------
    >>> documented("objective.ddpm").page
    'docs/objectives/discrete.md'
    """
    if name not in names():
        return None
    function: Callable[..., Any] = getattr(objectives, name.removeprefix(FAMILY))
    module = inspect.getmodule(function)
    theory = inspect.cleandoc(module.__doc__ or "") if module is not None else ""
    page = f"docs/{function.__module__.removeprefix('refscore.').replace('.', '/')}.md"
    call = f"refscore.objectives.{function.__name__}({', '.join(_parameters(function))})"
    return Documented(call, theory, inspect.getdoc(function) or "", page)


def _takes_a_model(function: object) -> bool:
    """Whether this is an objective, and not a weight or a projection that goes into one."""
    return inspect.isfunction(function) and next(iter(inspect.signature(function).parameters), "") in MODELS


def _parameters(function: Callable[..., Any]) -> list[str]:
    """Parameters as a call is written, with the star before the first that has to be named."""
    shown: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        shown.append(parameter.name)
    return shown


def print_documented(found: Documented, out: Console) -> None:
    """Print the documentation of an objective.

    Parameters
    ----------
    found : Documented
        What to print.
    out : Console
        Where to.
    """
    out.print(Text(found.signature))
    out.print(Text("computed by refscore; no capability asks an implementation for it\n"))
    for part in (found.theory, found.text):
        out.print(Text(part.replace("\\*", "*") + "\n"), soft_wrap=True)
    out.print(Text(f"read  {found.page}"))
