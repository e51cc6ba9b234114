"""Folders of the two packages; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=(
        find_packages(include=["refscore", "refscore.*"])
        + find_packages("kernels", include=["refscore_kernels", "refscore_kernels.*"])
    ),
    package_dir={"refscore_kernels": "kernels/refscore_kernels"},
    package_data={
        "refscore": ["py.typed"],
        "refscore.conformance": ["reports/*.json", "reports/*.html"],
        "refscore_kernels": ["py.typed"],
    },
    include_package_data=False,
)
