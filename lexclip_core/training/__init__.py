"""The one training loop: settings, objectives, losses, samplers, and several processes at once."""
