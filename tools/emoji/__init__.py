"""Make `data/emoji` from published packages."""
