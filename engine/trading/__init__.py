"""Costs, ranking, rotation, sizing, ledger and the trader's cycle."""
