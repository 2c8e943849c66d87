"""The published experiment on one repository, and the study that judges its claims on several.

command.py   options of `slm-lsp experiment`       conduct.py   phase after phase, resumable
quality.py   how good a model is at given points   results.py   what a finished phase leaves on disk
report.py    the Markdown of a run                 figures.py   its pictures
overall.py   progress over the whole               study/       rows over projects and seeds, verdicts
samples.py   what each model writes after the same beginnings

Knows: the trainer. Must not know: LSP, the library of models.
"""
