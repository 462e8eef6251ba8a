# The one door. Every target sets up what it needs; a second call takes a moment.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help app lab test lint docs tables notebooks bench setup demo screenshots lock clean

BIN := .venv/bin
# Workers of the test run, and the notebooks' profile (smoke, embedded, paper): make test WORKERS=4
WORKERS ?= 2
PROFILE ?= embedded
# Notebooks at a time (0 is one a core), and the file of paths for the profile paper.
JOBS ?= 0
PATHS ?=
# The runs in data/runs, their cards, and what the explorer shows of the first one at once;
# TEST_SETS=FOLDER measures them on its wordsim/, sts/ and sugarcrepe_pp/ too.
DEMO := "lexclip" "lexclip --set seed=1" "lexclip --set seed=2" "lexclip-shuffled" "lexclip-constant" \
	"lexclip-random-words" "lexclip-first" "lexclip-second" "lexclip-wordnet" "blog-release --set classes=40"
DEMO_PARACLIP := "paraclip-emoji" "paraclip-emoji --seed 1" "paraclip-emoji --seed 2" "paraclip-emoji-texts"
DEMO_CARDS := all-MiniLM-L6-v2 glove-6b-50d lexclip lexclip-shuffled lexclip-constant paraclip-emoji
MEASURED := $(if $(TEST_SETS),--test-sets $(TEST_SETS))
# Numba's number counts for torch as well: its first parallel loop sets OpenMP's.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

app: setup ## Open the explorer on http://localhost:8501 (or the next free port)
	@$(BIN)/lexclip app

lab: setup ## Open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir notebooks README.md

test: setup ## Run every test
	@$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: setup ## Check style, types and that notebooks are committed without outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@find notebooks -name '*.ipynb' -not -path '*/.*' -exec $(BIN)/nbstripout --verify {} +

docs: setup ## Make the API pages (build/docs) and draw the import graph (docs/architecture.md)
	@$(BIN)/python -m tools.architecture --write
	@$(BIN)/python -m pdoc --docformat google --output-directory build/docs lexclip_core
	@echo "build/docs/index.html"

tables: setup ## Fill the documents' tables from data/ (CHECK=--check only names what differs)
	@$(BIN)/python -m tools.document_tables $(CHECK)

notebooks: setup ## Run every notebook in order (PROFILE=smoke|embedded|paper)
	@$(BIN)/lexclip notebooks run --profile $(PROFILE) --jobs $(JOBS) $(if $(PATHS),--paths $(PATHS))

bench: setup ## Measure speed against the plain ways; keeps build/bench.json
	@$(BIN)/python -m bench

setup: ## Make .venv with all requirements and WordNet (the other targets call it)
	@sh scripts/setup.sh

demo: setup ## Make the runs that come with lexclip anew, with their cards (data/runs, data/cards)
	@for run in $(DEMO); do \
		$(BIN)/lexclip tune --preset $$run --out data/runs $(MEASURED) || exit 1; \
	done
	@for run in $(DEMO_PARACLIP); do \
		$(BIN)/lexclip paraclip tune --preset $$run --out data/runs $(MEASURED) || exit 1; \
	done
	@$(BIN)/lexclip runs complete lexclip --folder data/runs --vectors --atlas
	@$(BIN)/lexclip runs alphas lexclip --folder data/runs $(MEASURED)
	@$(BIN)/lexclip runs alphas lexclip-second --alpha 1 --alpha 1.4 --alpha 1.8 --alpha 2 --folder data/runs $(MEASURED)
	@$(BIN)/lexclip card $(DEMO_CARDS) --out data/cards $(MEASURED)
	@$(BIN)/python -m tools.document_tables

screenshots: setup ## Photograph the explorer for the README (docs/images; needs Chromium)
	@$(BIN)/python -m tools.screenshots

lock: setup ## Pin requirements-dev.txt for every platform (UPGRADE=--upgrade for newer versions)
	@$(BIN)/python -m uv pip compile --quiet requirements-dev.txt --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" $(UPGRADE) -o requirements.lock

clean: ## Remove what can be made again: .venv, caches, build folders (runs, data, own weights and paid answers stay)
	-@test -x $(BIN)/lexclip && $(BIN)/lexclip cache clear
	rm -rf .venv build lexclip.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
