"""A local exchange that speaks Alpaca's protocols, fed by recorded bars."""
