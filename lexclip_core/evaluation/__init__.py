"""Metrics: arrays in, a dict of metric name to value out."""
