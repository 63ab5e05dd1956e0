"""Alpaca, through alpaca-py: the venue of live sessions, of rehearsals and of tests.

KEY INPUT: keys, an endpoint, approved orders.
KEY OUTPUT: actors.venue.Venue; nothing outside this package imports alpaca-py.
"""
