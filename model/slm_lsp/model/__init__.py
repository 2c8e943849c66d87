"""Text around the cursor in, a suggestion out. Knows nothing of LSP and nothing of training.

network/     TinyGPT in torch                 runtime/     tokenizers, checkpoints, the int8 engine
completion/  Completer: prompts and decoding  evaluation/  measures a Completer
library.py   where trained models live        config.py    the shape of a model        errors.py  every error
"""
