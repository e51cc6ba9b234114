"""Settings every test shares: Hypothesis draws the same examples everywhere, and nothing is timed."""

from hypothesis import settings

settings.register_profile("refscore-test", max_examples=60, derandomize=True, database=None, deadline=None)
settings.load_profile("refscore-test")
