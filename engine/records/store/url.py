"""The database's address, told without its secrets; nothing is imported for it.

KEY INPUT: a URL, perhaps a mistyped one.
KEY OUTPUT: the same, with *** where a password may stand.
"""

import re

_LOGIN = re.compile(r"(//[^:/@?]*):.*@")
_OPTION = re.compile(r"([?&][^=&]*password=)[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return a URL that may be shown, written down and compared."""
    return _OPTION.sub(r"\1***", _LOGIN.sub(r"\1:***@", url))
