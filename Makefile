# The verbs of the house; CONTRIBUTING.md explains each. `make` alone lists them.
PYTHON ?= python3
MINUTES ?= 60
DEVICE ?= cpu
PROCESSES ?= 1

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
TYPED := .demo/chromadb-ops/chroma_ops/db_info.py

.DEFAULT_GOAL := help
.PHONY: help demo picture screenshots vsix test test-all test-quick test-cookbook test-e2e check bench corpus tokenizer cookbook pretrain figures curve ablation experiment clean

help:  ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)  ## train on a real ChromaDB project and complete in it through the server
	$(RUN) demo/demo.py

picture: $(READY)  ## the same, kept as the README's picture
	$(RUN) demo/demo.py --picture docs/demo.svg

screenshots: $(READY)  ## the pictures of the editors' READMEs, from the real editors
	tests/e2e/tools.sh
	PYTHONPATH=tests $(RUN) tests/e2e/vscode/screenshots.py
	PATH=$(CURDIR)/$(VENV)/bin:$$PATH PYTHONPATH=tests $(RUN) -P tests/e2e/neovim/picture.py nvim-client/ghost-text.svg

vsix: $(READY)  ## the VS Code extension with our wheel in it, from a clean clone
	cd vscode-client && npm ci --silent && PYTHON=$(abspath $(RUN)) npm run vsix

test: $(READY)  ## everything a user would trust: lint, types, tests, the cookbook's programs, real editors
	tests/e2e/tools.sh
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	cd vscode-client && npm ci --silent && npm run check
	$(RUN) -m pytest -m 'not slow'

test-all: $(READY)  ## the slow ones too: VS Code sets the server up from its wheel
	tests/e2e/tools.sh
	$(RUN) -m pytest

test-quick: $(READY)  ## the same without the cookbook's programs and without editors
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy
	$(RUN) -m pytest -m 'not cookbook and not e2e and not slow'

test-cookbook: $(READY)  ## the programs of cookbook and API benchmark against the real chromadb, two at a time
	$(RUN) -m pytest -m cookbook

test-e2e: $(READY)  ## real editors on a real ChromaDB project
	tests/e2e/tools.sh
	$(RUN) -m pytest -m e2e

check: $(READY)  ## lint and types alone
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

bench: $(READY) $(TYPED)  ## latency and memory of the server while someone types in a real file of 344 lines
	$(VENV)/bin/slm-lsp bench $(TYPED)

$(TYPED):
	$(RUN) demo/demo.py

corpus: $(READY)  ## fetch the packages of the manifest and pack them (about 15 minutes)
	$(RUN) -m slm_lsp.trainer.corpus fetch
	$(RUN) -m slm_lsp.trainer.corpus pack

tokenizer: $(READY)  ## train the 8,192-token vocabulary on the fetched corpus
	$(RUN) -m slm_lsp.trainer.corpus tokenizer

cookbook: $(READY)  ## coverage of ChromaDB's API, overlap between programs, and the list of programs
	$(RUN) -m slm_lsp.trainer.cookbook coverage
	$(RUN) -m slm_lsp.trainer.cookbook overlap
	$(RUN) -m slm_lsp.trainer.cookbook readme

pretrain: $(READY)  ## train the base model: make pretrain MINUTES=60 [PROCESSES=2 | DEVICE=cuda]; resumable
	$(RUN) -m slm_lsp.trainer.pretrain --minutes $(MINUTES) --device $(DEVICE) --processes $(PROCESSES)

figures: $(READY)  ## the base model's figures on the packages of the split `test` (fetch the corpus first)
	$(VENV)/bin/slm-lsp evaluate --split test --model base
	$(VENV)/bin/slm-lsp evaluate --split test --model base --workspace auto

curve: $(READY)  ## what more compute buys: base models' figures against tokens and parameters
	$(RUN) -m slm_lsp.trainer.curve docs/curve.jsonl

ablation: $(READY)  ## what each stage of the engine brings, on the split `tune`
	@for stage in none memory drafts healing lines fitting names repeats forks; do \
		echo "== without $$stage"; \
		$(VENV)/bin/slm-lsp evaluate --split tune --workspace auto --model base --no-popup --no-baselines \
			$$([ $$stage = none ] || echo --without $$stage) | grep -E "^ *all|took"; \
	done

experiment: $(READY)  ## the study behind docs/experiment.md: the rows that are missing (hours; go on any time), its tables and pictures
	$(RUN) -m slm_lsp.trainer.experiment study --out docs/experiment/rows.jsonl
	$(RUN) -m slm_lsp.trainer.experiment tables docs/experiment/rows.jsonl docs/experiment.md

clean:  ## remove what the verbs above made in this folder
	rm -rf $(VENV) .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
