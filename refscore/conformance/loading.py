"""Finding the adapters of a target: a file, a module, or an attribute of one."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from refscore.conformance.adapter import Adapter, AdapterError
from refscore.conformance.guard import describe, where

__all__ = ["TargetError", "load"]


class TargetError(ValueError):
    """The target cannot be used; the message is for the user as it stands."""


def load(target: str) -> tuple[Adapter, ...]:
    """Import a target and return its adapters.

    Parameters
    ----------
    target : str
        A file, ``module`` or ``module:attribute``; without attribute it is ``adapter``.

    Returns
    -------
    tuple of Adapter
        At least one, each offering something.

    Raises
    ------
    TargetError
        If it does not exist, cannot be imported, declares something wrong, or holds no adapter.

    Examples
    --------
    >>> load("nothere.py")
    Traceback (most recent call last):
        ...
    TargetError: nothere.py: no such file. TARGET is a file, module or module:attribute.
    """
    name, attribute = _split(target)
    try:
        module = _import(name)
    except AdapterError as error:
        raise TargetError(f"{target}: {error}{where(error)}") from None
    except SyntaxError as error:
        line = (error.text or "").rstrip()
        raise TargetError(f"{target}: line {error.lineno}: {error.msg}\n  {line}") from None
    except (KeyboardInterrupt, TargetError):
        raise
    except BaseException as error:  # whatever an import can do, SystemExit included
        raise TargetError(f"{target}: importing it raised {describe(error)}{where(error)}") from None
    if not hasattr(module, attribute):
        known = [n for n, v in vars(module).items() if isinstance(v, Adapter)]
        hint = f'; did you mean "{name}:{known[0]}"?' if known else ""
        raise TargetError(f"{target}: has no attribute {attribute!r}{hint}")
    found = getattr(module, attribute)
    adapters = tuple(found) if isinstance(found, (list, tuple)) else (found,)
    for adapter in adapters:
        if not isinstance(adapter, Adapter):
            kind = type(adapter).__name__
            raise TargetError(
                f"{target}: {attribute} is {kind}; expected a refscore.conformance.Adapter or a list of them"
            )
    if not any(adapter.offers for adapter in adapters):
        raise TargetError(f"{target}: {attribute} offers nothing; decorate functions with @adapter.implements(...)")
    titles = [adapter.title for adapter in adapters]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise TargetError(f"{target}: two adapters are called {twice[0]!r}; give each a name of its own")
    return adapters


def _split(target: str) -> tuple[str, str]:
    if target.endswith(".py") or Path(target).is_file():
        return target, "adapter"
    head, colon, tail = target.rpartition(":")
    return (head, tail) if colon and head else (target, "adapter")


def _import(name: str) -> ModuleType:
    path = Path(name)
    if not (name.endswith(".py") or path.is_file() or "/" in name):
        sys.path.insert(0, str(Path.cwd()))
        if importlib.util.find_spec(name.split(".")[0]) is None:
            raise TargetError(f"{name}: no such file or module. TARGET is a file, module or module:attribute.")
        return importlib.import_module(name)
    if not path.is_file():
        raise TargetError(f"{name}: no such file. TARGET is a file, module or module:attribute.")
    sys.path.insert(0, str(path.resolve().parent))  # so that an adapter can import what lies beside it
    spec = importlib.util.spec_from_file_location(f"refscore_target_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{name}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
