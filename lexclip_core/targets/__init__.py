"""The cosine that a pair of words should have: Wu-Palmer, antonym-aware relations, and their controls."""
