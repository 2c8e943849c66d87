"""From the text around a cursor to what an editor could show there.

prompt.py      which tokens the model sees, and where they end   vocabulary.py   which tokens may come next
decoding.py    tokens to text, and where to stop                 identifiers.py  the likeliest next names
trimming.py    a suggestion fitted to the text around it         mixture.py      model and memory as one distribution
filter.py      how likely it is right, and whether to show it    syntax.py       code, comment or string at the cursor
shape.py       one line or several, and where they end           brackets.py     what is open at a place in the code
grammar.py     whether a text can stand at the cursor            stages.py       what can be left out, to measure it
completer.py   all of it, for the server

Knows: models, text, Python's line structure. Must not know: LSP, editors, files on disk other than a checkpoint.
"""

from slm_lsp.model.completion.completer import Completer, Suggestion
from slm_lsp.model.completion.identifiers import Candidate
from slm_lsp.model.completion.stages import Stages

__all__ = ["Candidate", "Completer", "Stages", "Suggestion"]
