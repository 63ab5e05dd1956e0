"""Long trials of `rotor live` on a local exchange: what is claimed of it, held against it."""
