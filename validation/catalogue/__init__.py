"""The suite graded: how right its reference is, and how wrong the weakest mistake that it catches."""
