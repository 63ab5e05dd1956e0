"""Bars, frames, sources, the session calendar and a market generator."""
