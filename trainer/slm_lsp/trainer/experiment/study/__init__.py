"""Rows over projects and seeds, one training a row, and what they say of each published claim.

arms.py       what is trained, when it is looked at   material.py    a project as arms need it
training.py   one arm on one project: its row         run.py         all of them, resumable row by row
rows.py       the file of rows, one JSON line each    comparing.py   rows side by side
verdicts.py   what rows say of each claim            learning.py    the claims on what training does in time
telling.py    words for differences, whole arms      statistics.py  ranks and means
document.py   docs/experiment.md made from rows      pictures.py    its pictures

Knows: the trainer, the split `adapt`. Must not know: the command that users run.
"""
