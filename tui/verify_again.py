"""A run's records held against those of a second run of its inputs.

KEY INPUT: two folders, the manifest, what the second run came to.
KEY OUTPUT: where they differ, in words; nothing if they do not.
"""

from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from actors.system import Outcome
from engine.config import Config
from engine.records.journal import FILES
from engine.records.manifest import SUMMARY
from engine.records.summary import learning_figures, summarise
from tui.claim import is_claimed
from tui.verify_files import is_live

Json = dict[str, Any]
MOST_LOST = 10
"""Minutes of a live journal that a kill may keep from the disk: those on their way to it."""


def differences(folder: Path, again: Path, manifest: Json) -> list[str]:
    """Return the first row of each file that is not as in the second run.

    Rows may be missing that a kill or a stop kept from being written. A live journal never has more
    than its log leads to; the files of a killed replay may be longer than the one with its bars.
    """
    over = manifest.get("ended") is not None and not manifest.get("interrupted")
    strict = over or (is_live(manifest) and not is_claimed(folder))
    found = []
    for name in FILES[manifest["level"]]:
        with (
            (folder / f"{name}.jsonl").open("rb") as ours,
            (again / f"{name}.jsonl").open("rb") as theirs,
        ):
            for number, (a, b) in enumerate(zip_longest(ours, theirs), start=1):
                if a == b or (a and not a.endswith(b"\n")):
                    continue
                if a and b:
                    found.append(f"{name}.jsonl, line {number}: recorded {_cut(a)}, now {_cut(b)}")
                elif a and strict:
                    found.append(f"{name}.jsonl: more was recorded, after line {number - 1}")
                elif b and over:
                    found.append(f"{name}.jsonl: less was recorded, after line {number - 1}")
                elif b and strict and sum(b'"chain":"' in line for line in theirs) > MOST_LOST:
                    words = "less was recorded than a kill can leave"
                    found.append(f"{name}.jsonl: {words}, after line {number - 1}")
                break
    return found


def figures(folder: Path, manifest: Json, outcome: Outcome, config: Config) -> list[str]:
    """Return the figures of summary.json that are not those of the second run.

    Of a run that was interrupted none is asked: it stopped between two records.
    """
    if manifest.get("ended") is None or manifest.get("interrupted"):
        return []
    said: Json = orjson.loads((folder / SUMMARY).read_bytes())
    found = summarise(outcome.stats, config) | {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        "journal_sha256": outcome.journal_sha256,
    }
    plain: Json = orjson.loads(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY))
    return [
        f"{SUMMARY}: {key} is {_brief(said.get(key))}, by the records it is {_brief(value)}"
        for key, value in plain.items()
        if key not in said or said[key] != value
    ]


def _brief(value: object) -> str:
    return _cut(orjson.dumps(value))


def _cut(line: bytes) -> str:
    text = line.decode(errors="replace").strip()
    return text if len(text) <= 200 else f"{text[:200]}…"
