"""Asking a command for its JSON."""

import orjson


def asked(rotor, *words):
    """Return what a command that succeeds prints with --json."""
    code, out, err = rotor(*words, "--json")
    assert code == 0, err
    return orjson.loads(out)
