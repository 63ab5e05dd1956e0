"""What is said in the lane: the answer to the last key.

KEY INPUT: nothing; this is a value.
KEY OUTPUT: words and how they are meant.
"""

from typing import Literal, NamedTuple

Kind = Literal["done", "note", "error"]


class Said(NamedTuple):
    """An answer; it stands for 8 seconds, or until the next key."""

    text: str
    kind: Kind = "done"
