"""Fill model and simulated broker."""
