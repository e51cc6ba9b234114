"""Every sampler on every target: exact distances and observed orders, ``python -m validation.samplers [--write]``."""
