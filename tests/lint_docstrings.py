"""numpydoc validation of every public docstring: ``python -m tests.lint_docstrings``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run numpydoc's hook over the package and pass on its exit status."""
    files = sorted(str(f.relative_to(ROOT)) for f in (ROOT / "refscore").rglob("*.py"))
    return subprocess.run([sys.executable, "-m", "numpydoc.hooks.validate_docstrings", *files], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
