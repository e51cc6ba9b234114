"""The compiled kernels against what people sample with otherwise."""
