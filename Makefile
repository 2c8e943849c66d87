# The verbs of the house; CONTRIBUTING.md explains each. `make` alone lists them.
PYTHON ?= python3
MINUTES ?= 60
DEVICE ?= cpu

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check bench corpus tokenizer pretrain clean

help:  ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)  ## train on a real ChromaDB project and complete in it through the server
	$(RUN) demo/demo.py

test: $(READY)  ## everything a user would trust: lint, types, tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(RUN) -m pytest -m 'not slow'

test-all: $(READY)  ## the same and the slow tests
	$(RUN) -m pytest

check: $(READY)  ## lint and types alone
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

bench: $(READY)  ## latency and memory of the server while someone types in a real file
	$(VENV)/bin/slm-lsp bench model/slm_lsp/model/completion/completer.py

corpus: $(READY)  ## fetch the packages of the manifest and pack them (about 15 minutes)
	$(RUN) -m slm_lsp.trainer.corpus fetch
	$(RUN) -m slm_lsp.trainer.corpus pack

tokenizer: $(READY)  ## train the 8,192-token vocabulary on the fetched corpus
	$(RUN) -m slm_lsp.trainer.corpus tokenizer

pretrain: $(READY)  ## train the base model: make pretrain MINUTES=60 [DEVICE=cuda]; resumable
	$(RUN) -m slm_lsp.trainer.pretrain --minutes $(MINUTES) --device $(DEVICE)

clean:  ## remove what the verbs above made in this folder
	rm -rf $(VENV) .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
