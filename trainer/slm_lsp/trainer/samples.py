"""Sample generations: what the trained model writes when left alone.

Knows: prompts from files it has not seen, greedy generation. Must not know: editors, the library, how it was trained.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slm_lsp.model.network import TinyGPT
from slm_lsp.model.repository import SourceFile
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.report import Sample

COUNT = 4
"""Samples in a report."""
FROM_FILES = 2
"""Of them, those that go on from a function's header in a file set aside."""
TOKENS = 40
"""Tokens of a sample."""
_HEADER = re.compile(r"^[ \t]*(?:async )?def \w+\(.*\).*:[ \t]*\n", re.MULTILINE)
_PROMPTS = (
    "import chromadb\n\nclient = chromadb.",
    "collection = client.get_or_create_collection(\n    name=",
    "results = collection.query(\n    query_texts=",
    "def add_documents(collection, documents):\n",
)


def generate_samples(model: TinyGPT, tokenizer: Tokenizer, held_out: Sequence[SourceFile]) -> list[Sample]:
    """Four greedy continuations; the same prompts for the same files."""
    file = tokenizer.special("file")
    prompts: list[tuple[str, list[int]]] = []
    for source in held_out:
        header = next(_HEADER.finditer(source.text), None)
        if header and len(prompts) < FROM_FILES:
            opening = [] if file is None else [file, *tokenizer.encode(source.path + "\n")]
            prompts.append((header.group().strip("\n"), opening + tokenizer.encode(source.text[: header.end() - 1])))
    prompts += [(prompt, tokenizer.encode(prompt)) for prompt in _PROMPTS[: COUNT - len(prompts)]]
    room = model.config.context - TOKENS
    return [_sample(model, tokenizer, shown, ids[-room:]) for shown, ids in prompts]


def _sample(model: TinyGPT, tokenizer: Tokenizer, shown: str, ids: Sequence[int]) -> Sample:
    written = model.generate(ids, TOKENS, stop=tokenizer.special("end"))
    return Sample(shown, tokenizer.decode(written).rstrip())
