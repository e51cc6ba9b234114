"""Small implementations to check, right and wrong: what ``refscore demo`` runs, and what an adapter looks like."""
