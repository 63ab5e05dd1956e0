"""Keys: where they come from, and that they stay unseen."""

import pickle

import pytest

from actors.alpaca.keys import Keys, read_keys
from engine.errors import BadInputError

APCA = {"APCA_API_KEY_ID": "PKAPCA", "APCA_API_SECRET_KEY": "s1"}
ALPACA = {"ALPACA_API_KEY": "PKALP", "ALPACA_SECRET_KEY": "s2"}
PAPER = {"ALPACA_PAPER_API_KEY": "PKPAPER", "ALPACA_PAPER_SECRET_KEY": "s3"}


@pytest.mark.parametrize(
    ("environ", "paper", "key"),
    [
        (APCA | ALPACA | PAPER, True, "PKAPCA"),
        (ALPACA | PAPER, True, "PKALP"),
        (PAPER, True, "PKPAPER"),
        (ALPACA | PAPER, False, "PKALP"),
    ],
)
def test_the_first_whole_pair_is_taken(tmp_path, environ, paper, key):
    """In the order of the variables."""
    assert read_keys(paper=paper, environ=environ, folder=tmp_path).key_id == key


def test_paper_keys_never_trade_real_money(tmp_path):
    """Their variables are not even looked at."""
    with pytest.raises(BadInputError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY"):
        read_keys(paper=False, environ=PAPER, folder=tmp_path)


def test_a_file_is_read_when_the_environment_has_none(tmp_path):
    """Comments, `export`, quotes; the environment wins."""
    (tmp_path / ".env").write_text(
        "# keys\n\nexport APCA_API_KEY_ID='PKFILE' # mine\n"
        'APCA_API_SECRET_KEY = "s = 4#"\nnonsense\n'
    )

    found = read_keys(paper=True, environ={}, folder=tmp_path)

    assert (found.key_id, found.secret) == ("PKFILE", "s = 4#")
    assert read_keys(paper=True, environ=PAPER, folder=tmp_path).key_id == "PKPAPER"


def test_half_a_pair_names_what_is_missing(tmp_path):
    """And neither value."""
    with pytest.raises(BadInputError, match="APCA_API_KEY_ID but no APCA_API_SECRET") as caught:
        read_keys(paper=True, environ={"APCA_API_KEY_ID": "PKAPCA"}, folder=tmp_path)
    assert "PKAPCA" not in str(caught.value)


def test_no_keys_name_every_variable(tmp_path):
    """And the file."""
    with pytest.raises(BadInputError) as caught:
        read_keys(paper=True, environ={"APCA_API_KEY_ID": " "}, folder=tmp_path)
    for name in APCA | ALPACA | PAPER:
        assert name in str(caught.value)


def test_no_text_form_shows_the_secret():
    """Not repr, not str, not in a container, not pickled."""
    keys = Keys("PKAPCA", "TOPSECRET")

    assert "TOPSECRET" not in f"{keys!r} {keys} {[keys]} {vars(Keys)}"
    assert repr(keys) == "Keys(PKAP…)"
    with pytest.raises(TypeError):
        pickle.dumps(keys)
