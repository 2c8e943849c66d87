"""ChromaDB's offers among the popup's other items."""

from __future__ import annotations

from lsprotocol import types

from slm_lsp.server.features.chroma_items import without_repeats


def labels(text: str, *items: types.CompletionItem) -> list[str]:
    offered = [types.CompletionItem("name="), types.CompletionItem('"films"')]
    return [item.label for item in without_repeats(items, offered, text)][len(offered) :]


def test_what_is_offered_already_is_not_repeated() -> None:
    assert labels("", types.CompletionItem("name="), types.CompletionItem("name"), types.CompletionItem("nap")) == [
        "nap"
    ]


def test_a_variable_that_is_called_like_a_keyword_argument_stays() -> None:
    known = types.CompletionItem("name", data={"list": 1, "name": "name"})
    assert labels("", types.CompletionItem("name=", data=known.data), known) == ["name"]
    assert labels('name = "films"\nclient.get_collection(na', types.CompletionItem("name")) == ["name"]
    assert labels("def f(name, other): ...", types.CompletionItem("name")) == ["name"]


def test_attributes_and_keyword_arguments_are_no_variables() -> None:
    assert labels("client.get_collection(name='films').name\nrename = 3", types.CompletionItem("name")) == []
