"""The package as a whole: what importing it loads, and that its modules are there when asked for."""

import subprocess
import sys

import pytest

import refscore

OPTIONAL = ("torch", "jax", "numba", "cupy", "flint", "hypothesis", "pytest", "matplotlib", "dask", "diffusers")


def loaded_after(statement):
    code = f"{statement}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_but_itself():
    assert {"numpy", "scipy", "autograd", "rich", *OPTIONAL} & loaded_after("import refscore") == set()


def test_the_mathematics_loads_no_optional_package():
    touched = "; ".join(f"refscore.{name}" for name in refscore.__all__)
    assert {*OPTIONAL} & loaded_after(f"import refscore; {touched}") == set()


@pytest.mark.parametrize("name", refscore.__all__)
def test_every_module_is_an_attribute(name):
    assert getattr(refscore, name).__name__ == f"refscore.{name}"


def test_an_unknown_attribute_lists_the_known_ones():
    with pytest.raises(AttributeError, match="has no attribute 'samplr'; it has arrays, conformance"):
        refscore.samplr  # noqa: B018
