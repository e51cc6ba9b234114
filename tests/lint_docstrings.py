"""numpydoc validation of every public docstring: ``python -m tests.lint_docstrings``.

Functions and classes that a module exports are held to the whole list; methods need a docstring, which may be one line
where the class has said what its fields are.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator

from numpydoc.validate import validate

import refscore

CHECKS = {
    "GL03",  # double line breaks
    "GL05",  # tabs
    "GL06",  # unknown section
    "GL07",  # sections in the wrong order
    "GL08",  # no docstring
    "SS01",  # no summary
    "SS04",  # summary with leading spaces
    "PR01",  # a parameter is not documented
    "PR02",  # a documented parameter does not exist
    "PR03",  # parameters in the wrong order
    "PR07",  # a parameter has no description
    "PR10",  # no space before the colon
    "RT01",  # no Returns section
    "RT03",  # a return value has no description
    "YD01",  # no Yields section
}
INTERNAL = "refscore.conformance.capabilities."  # parts of values; what they offer is told by `refscore explain`
SKIPPED = ("refscore.examples.right", "refscore.examples.wrong", "refscore.__main__")


def exported() -> Iterator[tuple[str, object]]:
    """Dotted name and object of everything a module of the package defines and exports."""
    for module in pkgutil.walk_packages(refscore.__path__, "refscore."):
        if module.name in SKIPPED:
            continue
        loaded = importlib.import_module(module.name)
        for name in getattr(loaded, "__all__", ()):
            item = getattr(loaded, name)
            if getattr(item, "__module__", None) == module.name and (inspect.isfunction(item) or inspect.isclass(item)):
                yield f"{module.name}:{name}", item


def faults() -> Iterator[str]:
    """What is wrong, one line each."""
    for name, item in exported():
        module, attribute = name.split(":")
        # A module and a function of it may share their name (targets.gaussian): numpydoc is given the object itself.
        sys.modules["_under_lint"] = importlib.import_module(module)
        protocol = getattr(item, "_is_protocol", False)
        plain = inspect.isclass(item) and (protocol or issubclass(item, Exception))
        for code, text in validate(f"_under_lint.{attribute}")["errors"]:
            told = (plain and code.startswith("PR")) or (name.startswith(INTERNAL) and code != "GL08")
            if code in CHECKS and not told:
                yield f"{name}: {code} {text}"
        for method, function in vars(item).items() if inspect.isclass(item) else ():
            if not method.startswith("_") and inspect.isfunction(function) and not inspect.getdoc(function):
                yield f"{name}.{method}: GL08 no docstring"


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = list(faults())
    print("\n".join(found) if found else f"{len(list(exported()))} public docstrings are complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
