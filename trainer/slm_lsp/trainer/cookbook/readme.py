"""The cookbook's README: its programs by theme, a line each.

Knows: how the list is written. Must not know: chromadb.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from slm_lsp.trainer.cookbook.programs import Program

_INTRODUCTION = """# The ChromaDB cookbook

{count} small, complete programs for [ChromaDB](https://www.trychroma.com) in {themes} themes. Find one, copy it, make
it yours: each is one file with a purpose, needs no network and no model download, checks its own result and cleans up
after itself.

```sh
pip install "slm-lsp[chroma]"
python {example}
```

A program that needs a server starts `chroma run` on loopback itself. Where a program shows a package that is not
installed, such as a web framework or a provider of embeddings, a few lines stand in for it; the calls to ChromaDB are
those you would write. Those under [testing_with_pytest](testing_with_pytest) need
`pip install pytest pytest-asyncio hypothesis`, the few that read pictures `pip install pillow`.

`pytest -m cookbook` in slm-lsp's repository runs them all against the pinned chromadb.
This list is written by `python -m slm_lsp.trainer.cookbook readme`.
"""


def render_readme(programs: Sequence[Program]) -> str:
    """The README's text for programs in order of their themes; raises CorpusError if one has no docstring."""
    themes = {theme: list(group) for theme, group in groupby(programs, key=lambda program: program.theme)}
    parts = [_INTRODUCTION.format(count=len(programs), themes=len(themes), example=programs[0].label)]
    for theme, group in themes.items():
        title = theme.replace("_", " ").capitalize()
        lines = [f"- [{program.path.stem}]({program.label}): {program.sentence}." for program in group]
        parts.append("\n".join([f"## {title}", "", *lines, ""]))
    return "\n".join(parts)
