"""Experiments: load a tower, train it, measure it, write a run folder."""
