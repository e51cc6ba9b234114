"""Libraries that are on no package index: fetched by whoever runs this, and named by path.

``python -m validation.peers --source edm=PATH`` says where one lies; for `refscore check` the environment variable
``REFSCORE_PEER_EDM`` does. Nothing of them is kept here but which files were looked at.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import final

__all__ = ["SOURCES", "Source", "module_of"]


@final
@dataclass(frozen=True, slots=True)
class Source:
    """A repository.

    Parameters
    ----------
    name : str
        As it is called.
    url, commit : str
        Where it is fetched from, and what was looked at: lines in deviations are those of this commit.
    files : tuple of str
        What is run.
    digest : str
        SHA-256 of these files, one after the other.
    """

    name: str
    url: str
    commit: str
    files: tuple[str, ...]
    digest: str

    @property
    def variable(self) -> str:
        """Environment variable with the path."""
        return "REFSCORE_PEER_" + self.name.upper().replace("-", "_")

    @property
    def path(self) -> Path | None:
        """Where it lies, or None if nobody said so."""
        said = os.environ.get(self.variable)
        return Path(said) if said else None

    @property
    def lacking(self) -> str:
        """What there is to do before it can be run; empty if it can."""
        if self.path is None:
            return f"fetch {self.url} (commit {self.commit}) and say --source {self.name}=PATH"
        absent = [file for file in self.files if not (self.path / file).is_file()]
        return f"{', '.join(absent)} not in the path given" if absent else ""

    @property
    def version(self) -> str:
        """The commit, if these are its files."""
        if self.path is None:
            return ""
        found = hashlib.sha256(b"".join((self.path / file).read_bytes() for file in self.files)).hexdigest()
        return self.commit if found == self.digest else f"not {self.commit}"


SOURCES = {
    source.name: source
    for source in (
        Source(
            "dpm-solver",
            "https://github.com/LuChengTHU/dpm-solver",
            "52bc3fb",
            ("dpm_solver_pytorch.py",),
            "673c59fd6ec4ce40f339d7335bc00711552cf87ea15acfa3548f5dcca026d9d2",
        ),
        Source(
            "score_sde_pytorch",
            "https://github.com/yang-song/score_sde_pytorch",
            "cb1f359",
            ("sde_lib.py", "sampling.py", "likelihood.py"),
            "dc06f4a73b8a7f6fe8577f20cad9ce5b662dab2fbcb806acf6938a0ff38f7882",
        ),
        Source(
            "edm",
            "https://github.com/NVlabs/edm",
            "008a4e5",
            ("generate.py",),
            "1af4e135d3a17f7cba1e022f22260d4e7534ea525e6162783e00805c53204c2a",
        ),
    )
}


def module_of(name: str, file: str) -> ModuleType:
    """Import one file of a repository, with the repository's folder in front while it loads and nothing of it left.

    Parameters
    ----------
    name, file : str
        The repository, and the file in it.

    Returns
    -------
    module
        What the file defines.

    Raises
    ------
    ImportError
        If nobody said where the repository lies, or the file is not in it.
    """
    source = SOURCES[name]
    if source.path is None or source.lacking:
        raise ImportError(source.lacking)
    before = set(sys.modules)
    sys.path.insert(0, str(source.path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "\\hat" in their docstrings
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(Path(file).stem)
    finally:
        sys.path.remove(str(source.path))
        for fresh in set(sys.modules) - before:  # names as plain as "models" and "sampling"
            if str(getattr(sys.modules[fresh], "__file__", None) or "").startswith(str(source.path)):
                del sys.modules[fresh]
