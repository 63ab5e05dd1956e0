"""The engine: synchronous, deterministic, without clock, socket or screen."""
