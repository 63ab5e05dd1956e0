"""Features, labels, online learning, forecasts and signals."""
