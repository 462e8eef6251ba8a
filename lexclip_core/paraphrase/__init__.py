"""Captions -> paraphrases in two steps: prompts, providers, quality."""
