"""The cockpit: Rotor's terminal screen."""
