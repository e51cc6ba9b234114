"""refscore against the world."""
