"""The errors of the engine.

    RotorError
     ├─ BadInputError        the user's file, key, symbol or option, named (exit code 2)
     │   ├─ SourceError      a bar file that cannot be trusted
     │   ├─ ConfigError      a configuration that cannot be used
     │   ├─ CheckpointError  a checkpoint that does not fit this run
     │   └─ DamagedError     a run's records are not as they were written
     ├─ StoreError           the database cannot be used now; the journal has everything
     ├─ DiskError            a record cannot be written: the disk is full, or the folder is gone
     └─ InvariantViolation   a bug of ours: crash, and recover from the journal

Expected business outcomes (a refused entry, a cold predictor) are values, not errors.
"""


class RotorError(Exception):
    """The root of every error that Rotor raises on purpose."""


class BadInputError(RotorError):
    """Something the user gave cannot be used; the message names it and says what to do."""


class SourceError(BadInputError):
    """A bar source cannot be read or trusted."""


class ConfigError(BadInputError):
    """A configuration is invalid as a whole; nothing of it was applied."""


class CheckpointError(BadInputError):
    """A checkpoint was made by another predictor, feature set or feed."""


class DamagedError(BadInputError):
    """A run's records are missing, cut or changed; the message names the file and the line."""


class StoreError(RotorError):
    """The database cannot be reached, is locked or damaged; no record is lost by it."""


class DiskError(RotorError):
    """A record cannot be written; the message names the file."""


class InvariantViolation(RotorError):  # noqa: N818 - it is a verdict, not an error to handle
    """An internal identity does not hold (money, positions, order of frames)."""
