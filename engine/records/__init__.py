"""Journal, metrics, baselines and summaries."""
