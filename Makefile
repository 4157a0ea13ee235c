# Everything from a clean checkout: needs make and some Python 3 with venv and pip. uv and Python 3.10 come by themselves.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Bytecode is kept: the tests start some hundred commands, and torch alone is 1 500 files to compile.
unexport PYTHONDONTWRITEBYTECODE

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The package as installed, in links: the folder mapping of pyproject.toml, for the type checker and the API reference.
LINKED := build/linked
# Processes that the tests run in, each with a core: Lava's tests start some processes of their own, which mostly wait.
WORKERS ?= 2
# benchmarks/training.py takes hours and keeps its cells, rtl.py an hour and an extra: they are run by themselves.
BENCHMARKS := $(sort $(filter-out benchmarks/_% benchmarks/training.py benchmarks/rtl.py benchmarks/operators.py benchmarks/streams.py,$(wildcard benchmarks/*.py)))

# uv from the PATH, else the one that `make env` got.
UV = $(or $(shell command -v uv),$(CURDIR)/.tools/bin/uv)

.PHONY: help env demo test test-all test-docs test-others wheel torture lint format bench docs figures linked clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

env: $(STAMP) ## Create or update .venv (Python 3.10, editable install)

demo: $(STAMP) ## Convert, run on Lava and compare a shipped network; report in build/demo
	@mkdir -p build
	$(BIN)/neuropinn-lava demo --out build/demo

test: $(STAMP) ## Run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow and not torture" -n $(WORKERS) --dist loadfile

test-all: $(STAMP) ## Run all tests, with the extras that some of them compare with
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[neurobench,sanafe,snntorch,nir,sweep,onnx,qonnx,mcu,rtl]'
	$(BIN)/python -m pytest -m "not torture"

test-others: $(STAMP) ## Run the quick tests on every Python of 3.11 to 3.13 that is here; TESTS=... for some of them
	@.ci/other-pythons $(TESTS)

wheel: $(STAMP) ## Build source archive and wheel, install into an empty environment, and try it there
	@.ci/try-wheel

torture: $(STAMP) ## Damage files, kill writers, fill disks: half an hour; figures in docs/reliability.md
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[nir,vtk]'
	$(BIN)/python -m pytest -m torture -s tests/torture

test-docs: $(STAMP) ## Run what the documentation shows: getting started, notebooks, figures
	$(BIN)/python -m pytest -m slow tests/docs tests/test_notebooks.py tests/test_examples.py

lint: $(STAMP) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) linked
	$(BIN)/mypy --cache-dir $(LINKED)/.mypy_cache $(LINKED)/neuropinn_lava

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Run every script of benchmarks/
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script"; done

docs: $(STAMP) ## Build the documentation site in build/docs/site
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[docs]'
	@$(MAKE) linked
	$(BIN)/python docs/assemble.py build/docs/pages
	$(BIN)/zensical build --strict --clean
	$(BIN)/python docs/check_site.py build/docs/site

figures: $(STAMP) ## Draw the figures of README and gallery anew, and run the notebooks for their pages
	$(BIN)/python docs/draw_figures.py
	$(BIN)/python docs/run_notebooks.py

linked:
	@rm -rf $(LINKED) && mkdir -p $(LINKED)/neuropinn_lava
	@ln -s $(CURDIR)/neuropinn_lava/* $(CURDIR)/training $(CURDIR)/conversion $(CURDIR)/hardware_sim $(LINKED)/neuropinn_lava/

clean: ## Remove builds and caches; keeps .venv
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -path ./.tools -prune -o -name __pycache__ -type d -exec rm -rf {} +

# uv from the PATH, else one in .tools. The Python that fetches it is asked from /, where no .python-version can name a
# version that is not there.
$(STAMP): pyproject.toml .python-version
	@uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	    uv=$(CURDIR)/.tools/bin/uv; \
	    if [ ! -x "$$uv" ]; then \
	        echo "== getting uv into .tools"; \
	        (cd / && python3 -m venv --clear $(CURDIR)/.tools); \
	        $(CURDIR)/.tools/bin/python -m pip install --quiet --disable-pip-version-check uv; \
	    fi; \
	fi; \
	echo "== installing into .venv"; \
	wanted=$$(cat .python-version); \
	found=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true); \
	if [ "$$found" != "$$wanted" ]; then "$$uv" venv --quiet --clear --python "$$wanted" $(VENV); fi; \
	"$$uv" pip install --quiet --python $(BIN)/python --editable '.[dev]'
	@touch $@
