"""Trio actors around the engine, joined by bounded channels."""
