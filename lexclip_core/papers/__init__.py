"""Every claim and number of both papers with what was measured here, with a verdict."""
