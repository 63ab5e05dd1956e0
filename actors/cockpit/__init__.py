"""What the cockpit draws: frozen views, and who makes them."""
