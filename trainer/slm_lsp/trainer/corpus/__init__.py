"""The base model's corpus: fetched from the manifest, selected, tokenized, packed into files of token ids.

Knows: package archives, licences' table, splits, duplicates. Must not know: torch, how models are trained.
The text itself stays in the user's cache folder and is never committed.
"""
