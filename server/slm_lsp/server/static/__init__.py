"""Static analysis: the names that exist at a cursor, from jedi in a process of its own.

interpreter.py  whose Python a workspace uses      analyst.py  the process, kept alive and small; one question at a time
analysis.py     the door: StaticAnalysis           child.py    what runs in the process; listing.py asks jedi there

Knows: source texts and places in them. Must not know: LSP, models, ranking. Only the process itself imports jedi.
"""
