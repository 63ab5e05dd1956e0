"""What a screen asks the session for when it is opened, decoded into the views of asked.py.

KEY INPUT: the answer to the verb `show`, a JSON object.
KEY OUTPUT: the view, or BadInputError in words.
"""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.errors import BadInputError
from tui.cockpit.source import Source

V = TypeVar("V")


async def asked(source: Source, view: type[V], what: str, **more: object) -> V:
    """Ask for a view; raises BadInputError with the session's words, or if it is no such view."""
    answer = await source.ask({"verb": "show", "what": what, **more})
    try:
        return TypeAdapter(view).validate_python(answer.get("show"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInputError(
            f"the session's answer to show {what} cannot be read ({where}: {first['msg']}): "
            "is it of another version?"
        ) from error
