"""A workspace of 20,000 files: nothing waits for it, all of it is read, and once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from doubles import PROGRAM
from editors import Editor, end_of

FILES = 20_000
PATIENCE = 180.0
"""Seconds for reading them; it takes twenty where nothing else runs."""
PROMPT = 5.0
"""Seconds for an answer meanwhile; it takes a hundredth of them."""


async def known(editor: Editor) -> tuple[int, int]:
    """Tokens that are known of the workspace, and files that are left out."""
    answer: Any = await editor.client.protocol.send_request_async("slmLsp/status", {})
    return (answer.memory[0].tokens, answer.memory[0].left_out) if answer.memory else (0, 0)


@pytest.mark.asyncio
async def test_it_is_read_while_somebody_types(tmp_path: Path) -> None:
    for folder in range(FILES // 200):
        (tmp_path / f"package{folder}").mkdir()
        for number in range(200):
            (tmp_path / f"package{folder}" / f"m{number}.py").write_text(f"value_{folder}_{number} = {number}\n")
    (tmp_path / "huge.py").write_text("x = 1\n" * 200_000)
    editor = await Editor.start(tmp_path)
    text = PROGRAM[: PROGRAM.index("self.collection.add(")]
    uri = editor.open("main.py", text)
    slowest, end = 0.0, time.monotonic() + PATIENCE
    tokens, settled = 0, 0
    while settled < 5 and time.monotonic() < end:
        began = time.monotonic()
        await editor.inline(uri, end_of(text))
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.5)
        before, (tokens, left_out) = tokens, await known(editor)
        settled = settled + 1 if tokens == before > FILES else 0
    assert tokens > 5 * FILES
    assert left_out == 1
    told = [message.message for message in editor.client.log_messages if "leaves out" in message.message]
    assert told == [f"slm-lsp leaves out 1 of the files in {tmp_path}: huge.py: larger than 1 MB"]
    assert slowest < PROMPT
    assert await editor.close() == 0
