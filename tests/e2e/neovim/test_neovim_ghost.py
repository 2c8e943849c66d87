"""Ghost text in a real Neovim, on a real project: it comes, follows the typing, and is taken or refused."""

from __future__ import annotations

import pytest

from e2e.neovim.driver import Neovim
from e2e.neovim.program import ADD, BODY, HEADER, open_method, write


def test_ghost_text_appears_after_typing_and_tab_inserts_exactly_it(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    assert ghost == ADD.ghost
    neovim.keys("<Tab>")
    assert neovim.saved() == text.rstrip("\n") + ghost + "\n"


def test_an_accepted_suggestion_is_counted(neovim: Neovim) -> None:
    write(neovim, ADD)
    neovim.wait_for_ghost()
    before = neovim.status()["accepted"]
    neovim.keys("<Tab>")
    assert neovim.status()["accepted"] == before + 1


def test_typing_along_keeps_it_without_another_question(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    asked = neovim.status()["inline"]["requests"]
    for number, character in enumerate(ghost[:-1], start=1):
        neovim.keys(character)
        assert neovim.ghost() == ghost[number:]
    assert neovim.status()["inline"]["requests"] == asked
    assert neovim.saved() == text.rstrip("\n") + ghost[:-1] + "\n"


def test_typing_something_else_removes_it(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("Z")
    assert neovim.ghost() is None
    assert neovim.saved() == text.rstrip("\n") + "Z\n"


def test_dismissed_it_is_hidden_and_stays_hidden_at_that_place(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<C-]>")
    assert neovim.ghost() is None
    assert neovim.stays_silent()
    neovim.type("x")
    neovim.keys("<BS>")
    assert neovim.stays_silent(), "asked again at the same place"
    neovim.keys("<Esc>a")
    assert neovim.stays_silent()
    neovim.keys("<Esc>cc")
    neovim.type(ADD.typed.lstrip())
    assert neovim.stays_silent(), "typed along into the same place"
    assert neovim.status()["why"]["outcome"] == "dismissed", "the server was not told"
    assert neovim.saved() == text


def test_dismissed_at_one_place_it_is_offered_at_another(neovim: Neovim) -> None:
    write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<C-]>")
    neovim.keys("i")
    text = neovim.text()
    assert neovim.wait_for_ghost() == ADD.ghost[1:]
    assert neovim.saved() == text


def test_escape_hides_it_and_it_stays_hidden_until_something_is_typed(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    neovim.keys("<Esc>")
    assert neovim.ghost() is None
    neovim.keys("a")
    assert neovim.stays_silent()
    neovim.keys(ghost[0])
    assert neovim.wait_for_ghost() == ghost[1:]
    assert neovim.saved() == text.rstrip("\n") + ghost[0] + "\n"


def test_a_key_asks_for_it(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    neovim.keys("<Esc>a")
    assert neovim.ghost() is None
    neovim.keys("<M-]>")
    assert neovim.wait_for_ghost() == ghost
    neovim.keys("<M-[>")
    assert neovim.wait_for_ghost() == ghost
    neovim.keys("<Tab>")
    assert neovim.saved() == text.rstrip("\n") + ghost + "\n"


def test_words_are_taken_one_by_one(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    assert neovim.wait_for_ghost() == "ids=[note_id], documents=[text], embeddings=[vector])"
    counted = neovim.status()["accepted"]
    for taken in ("ids", "ids=[", "ids=[note_id", "ids=[note_id],", "ids=[note_id], documents"):
        neovim.keys("<M-Right>")
        assert neovim.text() == text.rstrip("\n") + taken + "\n"
        assert taken + str(neovim.ghost()) == ADD.ghost
    assert neovim.status()["accepted"] == counted, "only a part was taken"
    neovim.keys("<M-C-Right>")
    assert neovim.status()["accepted"] == counted + 1
    assert neovim.saved() == text.rstrip("\n") + ADD.ghost + "\n"


def test_a_body_of_several_lines_on_a_new_line(neovim: Neovim) -> None:
    open_method(neovim)
    assert neovim.wait_for_ghost() == BODY
    assert "\n" in BODY
    neovim.keys("<Tab>")
    assert neovim.saved() == f"{HEADER}        {BODY}\n"


def test_lines_of_a_body_are_taken_one_by_one(neovim: Neovim) -> None:
    open_method(neovim)
    first, second = BODY.split("\n")
    assert neovim.wait_for_ghost() == BODY
    neovim.keys("<M-C-Right>")
    assert neovim.text() == f"{HEADER}        {first}\n"
    assert neovim.ghost() == f"\n{second}"
    neovim.keys("<M-C-Right>")
    assert neovim.saved() == f"{HEADER}        {first}\n{second}\n"


def test_one_undo_takes_back_the_suggestion_alone(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<Tab>")
    assert neovim.text() == text.rstrip("\n") + ADD.ghost + "\n"
    neovim.keys("<Esc>u")
    assert neovim.saved() == text


def test_moving_away_hides_it(neovim: Neovim) -> None:
    text = write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<Left>")
    assert neovim.ghost() is None
    neovim.keys("<Right>")
    assert neovim.stays_silent()
    assert neovim.saved() == text


@pytest.mark.parametrize("scope", ["buffer", "all"])
def test_paused_it_asks_nothing_and_resumed_it_goes_on(neovim: Neovim, scope: str) -> None:
    text = write(neovim, ADD)
    ghost = neovim.wait_for_ghost()
    neovim.command(f"SlmPause {scope}")
    assert neovim.ghost() is None
    asked = neovim.status()["inline"]["requests"]
    neovim.type(ghost[:3])
    assert neovim.stays_silent()
    assert neovim.status()["inline"]["requests"] == asked
    neovim.command(f"SlmResume {scope}")
    neovim.type(ghost[3])
    assert neovim.wait_for_ghost() == ghost[4:]
    neovim.keys("<Tab>")
    assert neovim.saved() == text.rstrip("\n") + ghost + "\n"


def test_a_pause_of_one_buffer_is_of_that_one_alone(neovim: Neovim) -> None:
    write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.command("SlmPause")
    text = write(neovim, ADD)
    assert neovim.wait_for_ghost() == ADD.ghost
    assert neovim.saved() == text


def test_the_plugin_leaves_no_message(neovim: Neovim) -> None:
    neovim.command("messages clear")
    write(neovim, ADD)
    neovim.wait_for_ghost()
    neovim.keys("<Tab>")
    neovim.saved()
    assert "slm" not in neovim.messages()
    assert "E5" not in neovim.messages()
