"""Score networks trained on data whose exact noisy score is known, and what became of them."""
