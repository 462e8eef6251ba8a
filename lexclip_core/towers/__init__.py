"""Text and image encoders: find weights, load, encode, choose what is trained, store what was tuned."""
