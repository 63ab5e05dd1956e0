"""`rotor new predictor NAME`: a working file to start from, and its test.

KEY INPUT: a module name.
KEY OUTPUT: NAME.py and test_NAME.py in the current folder.
"""

import keyword
from importlib.util import find_spec
from pathlib import Path

from engine.errors import BadInputError

_TEMPLATES = Path(__file__).parent / "templates"


def new_predictor_command(name: str) -> int:
    """Write the two files; raises BadInputError for a bad name or a file that is there."""
    _check_name(name)
    kind = "".join(part.capitalize() for part in name.split("_") if part)
    files = {Path(f"{name}.py"): "predictor.txt", Path(f"test_{name}.py"): "test_predictor.txt"}
    for path in files:
        if path.exists() or path.is_symlink():
            raise BadInputError(f"{path} is there already: choose another name, or move it away")
    for path, template in files.items():
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("__NAME__", name).replace("__CLASS__", kind))
    print(  # noqa: T201
        f"{name}.py and test_{name}.py are written. Next:\n"
        f"  rotor check {name}.{kind}\n"
        f"  rotor replay SOURCE --set learning.predictor={name}.{kind}\n"
        f"  python -m pytest test_{name}.py"
    )
    return 0


def _check_name(name: str) -> None:
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    if not plain or keyword.iskeyword(name) or not name.strip("_") or name.startswith("_"):
        raise BadInputError(
            f"{name!r} is no module name: lower-case letters, digits and _, such as my_predictor"
        )
    if not Path(f"{name}.py").exists() and find_spec(name) is not None:
        raise BadInputError(f"{name}: an installed module has this name, choose another")
