"""Captions -> paraphrases in two steps: providers, rules, quality, and the records they make."""
