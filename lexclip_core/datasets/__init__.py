"""Readers of data sets: each source with its card, its check and its reader."""
