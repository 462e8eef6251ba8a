"""Readers of third-party data sets: one small file a data set."""
