"""Tidy tables -> plotly figures: pure functions, one palette, and an alternative text for each figure."""
