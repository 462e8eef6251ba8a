"""Every number of both papers beside ours, with a verdict."""
