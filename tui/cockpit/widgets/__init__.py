"""What the cockpit is drawn with."""
