"""Train the emoji image tower that `data/image_towers` holds."""
