"""Metrics as pure functions: arrays in, values with intervals out."""
