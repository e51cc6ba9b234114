"""Measured ratios: what a thing costs against a peer, both in one run, interleaved, medians."""
