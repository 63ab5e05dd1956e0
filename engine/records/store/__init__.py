"""The store: a database that follows the journals of runs, for questions over many of them.

The journal is the truth. Every run is read from its events.jsonl, from where the last transaction
ended to the last whole frame, and what was read is written together with how far it was read: a
kill at any moment loses nothing and doubles nothing, and reading a run anew gives the same rows.

The only impure part of engine: it opens files and connections. Nothing else in engine imports it.
"""
