"""A newcomer's commonest ChromaDB lines, written with the base model and the installed chromadb in few keys.

Counted are a person's keys from behind a dot, bracket or comma to the end of a name: a character that is typed, a quote
too; Ctrl+Space where the popup does not open by itself (it does behind a dot, in a word and behind a quote); Down for
each item above the wanted one; and one key that takes an item or ghost text. Not counted is what nobody else can know:
what the strings and numbers of the person's own hold, and the brackets and commas between the names. Brackets and
quotes are closed by the editor as they are opened. Ghost text is taken only where the line goes on with all of it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types

from editors import Editor, end_of
from slm_lsp.data import base_checkpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_KEYS = 3
PATIENCE = 120.0
"""Seconds for the first look at chromadb's source and at the workspace."""

STORED = '''"""Fills the store."""

import chromadb

store = chromadb.PersistentClient(path="./chroma")
docs = store.get_or_create_collection(name="docs")
docs.add(ids=["1"], documents=["first"], metadatas=[{"source": "notes.md", "page": 1}])
'''
IMPORTED = '"""Answers questions."""\n\nimport chromadb\n\n'
CLIENT = IMPORTED + 'client = chromadb.PersistentClient(path="./chroma")\n'
COLLECTION = CLIENT + 'collection = client.get_or_create_collection(name="docs")\n'

LINES = [
    ('"""Answers questions."""\n\n', "import ‹chromadb›"),
    (IMPORTED, 'client = chromadb.‹PersistentClient›(‹path=›"./chroma")'),
    (CLIENT, 'collection = client.‹get_or_create_collection›(‹name=›‹"docs"›)'),
    (COLLECTION, 'collection.‹add›(‹ids=›["2"], ‹documents=›["second"], ‹metadatas=›[{‹"source"›: "a.md"}])'),
    (COLLECTION, 'found = collection.‹query›(‹query_texts=›["second"], ‹n_results=›2)'),
    (COLLECTION, 'found = collection.‹get›(‹where=›{‹"source"›: {‹"$eq"›: "a.md"}})'),
    (COLLECTION, 'found = collection.‹query›(‹query_texts=›["a"], ‹include=›[‹"documents"›, ‹"distances"›])'),
    (CLIENT, 'collection = client.‹get_collection›(‹"docs"›)'),
    (CLIENT, "names = client.‹list_collections›()"),
    (COLLECTION, "print(collection.‹count›())"),
    (COLLECTION, 'collection.‹upsert›(‹ids=›["2"], ‹documents=›["better"])'),
    (COLLECTION, 'collection.‹delete›(‹ids=›["2"])'),
]
"""What stands above, and the line; what is to be had in few keys stands between ‹ and ›."""
CLOSED = {"(": ")", "[": "]", "{": "}", '"': '"'}


@dataclass
class Writing:
    """A document in which somebody writes at one place."""

    editor: Editor
    uri: str
    before: str
    after: str = ""

    def type(self, text: str) -> None:
        """Press keys; brackets and quotes are closed by the editor, and those that stand there are typed over."""
        for key in text:
            if self.after.startswith(key) and key in CLOSED.values():
                self.before, self.after = self.before + key, self.after[1:]
            else:
                closing = CLOSED.get(key, "")
                self.insert(key + closing)
                self.before, self.after = self.before.removesuffix(closing), closing + self.after

    def insert(self, text: str, where: types.Range | None = None) -> None:
        """Put a text in front of the cursor, in place of a range that ends there."""
        at = end_of(self.before)
        where = where or types.Range(at, at)
        assert where.end == at
        self.before = self.before[: len(self.before) - (at.character - where.start.character)] + text
        self.editor.change(self.uri, text, where)

    async def popup(self) -> list[types.CompletionItem]:
        """The items that an editor lists: in their order, and only what goes on from what is typed."""
        at = end_of(self.before)
        line = self.before.rpartition("\n")[2]
        items = sorted((await self.editor.popup(self.uri, at)).items, key=lambda item: item.sort_text or item.label)
        listed = []
        for item in items:
            assert isinstance(item.text_edit, types.TextEdit)
            typed = line[item.text_edit.range.start.character :]
            if (item.filter_text or item.label).lower().startswith(typed.lower()):
                listed.append(item)
        return listed

    async def ghost_text(self) -> str:
        """What is shown behind the cursor."""
        items = await self.editor.inline(self.uri, end_of(self.before))
        return str(items[0].insert_text) if items else ""

    @property
    def opens_by_itself(self) -> bool:
        """Whether the popup is open without a key for it."""
        last = self.before[-1]
        return last in '."$_' or last.isalnum()


async def keys_for(writing: Writing, goal: str, end: int) -> int:
    """Write the goal's characters up to `end` at least, which MOST_KEYS may not suffice for; the keys it took."""
    for typed in range(MOST_KEYS):
        ghost = await writing.ghost_text()
        if len(writing.before + ghost) >= end and goal.startswith(writing.before + ghost):
            writing.insert(ghost)
            return typed + 1
        first = typed + 1 + (not writing.opens_by_itself)
        for keys, item in enumerate(await writing.popup(), first):
            assert isinstance(item.text_edit, types.TextEdit)
            start = len(writing.before) - (end_of(writing.before).character - item.text_edit.range.start.character)
            whole = writing.before[:start] + item.text_edit.new_text
            if keys <= MOST_KEYS and len(whole) >= end and goal.startswith(whole):
                writing.insert(item.text_edit.new_text, item.text_edit.range)
                return keys
        writing.type(goal[len(writing.before)])
    return MOST_KEYS + 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    root: Path = tmp_path_factory.mktemp("project")
    (root / "fill.py").write_text(STORED)
    editor = await Editor.start(root, base=base_checkpoint())
    text = CLIENT + 'client.get_collection("'
    uri = editor.open("first.py", text)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if any(item.label == "docs" for item in (await editor.popup(uri, end_of(text))).items):
            break
        await asyncio.sleep(0.1)
    yield editor
    assert await editor.close() == 0


@pytest.mark.parametrize(("above", "line"), LINES, ids=[line.translate({8249: "", 8250: ""}) for _, line in LINES])
async def test_a_newcomers_line_takes_three_keys_a_name(editor: Editor, above: str, line: str) -> None:
    writing = Writing(editor, editor.open("ask.py", above), above)
    goal, names = above, []
    for part in re.split("([‹›])", line):
        if part == "‹":
            names.append((len(goal), 0))
        elif part == "›":
            names[-1] = (names[-1][0], len(goal))
        else:
            goal += part
    for start, end in names:
        writing.type(goal[len(writing.before) : start])
        if len(writing.before) < end:  # else ghost text has brought it
            assert await keys_for(writing, goal, end) <= MOST_KEYS, goal[start:end]
    writing.type(goal[len(writing.before) :])
    assert (writing.before, writing.after) == (goal, "")
