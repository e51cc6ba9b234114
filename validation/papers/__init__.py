"""Published numbers, reproduced without sampling: ``python -m validation.papers``."""
