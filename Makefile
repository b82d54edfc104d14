# darkport: AIS tracking gaps and dark port calls. `make` alone prints this help.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RAW ?= data/raw
PROCESSED ?= data/processed
SIZES ?= 1 5
SECONDS ?= 60

.PHONY: help setup demo test test-long check format nightly sql notebook report bench docs simulation kill-test accuracy real-labels real-tracks geo faults fuzz lock wheel-test clean

help: ## this text
	@echo "darkport: AIS tracking gaps and dark port calls"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "darkport needs Python 3.11 or newer; try make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.installed ## a virtual environment with everything, from the lock file

demo: setup ## a feed the project simulates itself (100 ships, 14 months), the whole job on it, and its accuracy
	$(BIN)/darkport simulate --world demo --out data/demo --overwrite
	$(BIN)/darkport nightly --raw data/demo/raw --processed data/demo/processed
	$(BIN)/darkport evaluate --processed data/demo/processed --truth data/demo/truth --out data/demo/evaluation
	@echo
	@echo "The feed is SIMULATED (seeded): no ship in it exists."
	@$(BIN)/darkport show table_5 --processed data/demo/processed
	@echo "report    data/demo/processed/report/index.html (open it in a browser)"
	@echo "accuracy  data/demo/evaluation/evaluation.md (figures beside it)"
	@echo "database  data/demo/processed/darkport.duckdb"
	@echo "tables    data/demo/processed/*.parquet, *.csv, indicator.json"
	@echo "truth     data/demo/truth/*.parquet"
	@echo "a gap     $(BIN)/darkport explain GAP_ID --processed data/demo/processed"

test: setup ## the tests
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not long"

test-long: setup ## the long trials too
	$(BIN)/python -m pytest -q -n auto --dist worksteal

check: setup ## format, lint, types, SQL style, tests
	$(BIN)/ruff format --check pipeline tests
	$(BIN)/ruff check pipeline tests
	$(BIN)/basedpyright
	$(BIN)/sqlfluff lint sql
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not long"

format: setup ## lay out code and SQL
	$(BIN)/ruff format pipeline tests
	$(BIN)/ruff check --fix pipeline tests
	$(BIN)/sqlfluff fix sql

# Fit for cron: no terminal, no bar in a pipe, one line when all is well. DARKPORT_LOG or NIGHTLY ask for more.
nightly: setup ## the job: data/raw into data/processed; NIGHTLY="--log json" for more options
	@DARKPORT_LOG="$${DARKPORT_LOG:-$$(test -t 2 || echo none)}" \
	  $(BIN)/darkport nightly --raw "$(RAW)" --processed "$(PROCESSED)" $(NIGHTLY)

sql: setup ## a terminal SQL editor on the database, read-only
	$(BIN)/darkport sql --processed "$(PROCESSED)"

notebook: setup ## docs/start.ipynb in Jupyter, on PROCESSED (extra `analyst`)
	DARKPORT_PROCESSED="$(abspath $(PROCESSED))" $(BIN)/jupyter lab docs/start.ipynb

report: setup ## the report again, from the tables in PROCESSED; nightly makes it too
	$(BIN)/darkport report --processed "$(PROCESSED)"

bench: setup ## docs/benchmarks.md: time and memory on SIZES million simulated positions, each figure a ratio (BENCH=--no-nights for sizes alone)
	$(BIN)/python -m tests.bench --sizes $(SIZES) $(BENCH)

docs: setup ## the data dictionary and the table of real files
	$(BIN)/python -m tests.make_docs

simulation: setup ## docs/simulation.md: settings and truth tables, figures of one world beside published ones, pictures
	$(BIN)/python -m tests.make_simulation

kill-test: setup ## docs/reliability.md: nights killed, starved of disk, denied permission (half an hour of one core)
	$(BIN)/python -m tests.kill_trial --page $(if $(WORKERS),--workers $(WORKERS))

accuracy: setup ## docs/accuracy.md: simulated worlds of five seeds, each with its night, against truth (hours of one core; PARTS="null recovery" for less)
	$(BIN)/python -m tests.make_accuracy $(if $(PARTS),--parts $(PARTS)) $(if $(WORLDS),--worlds $(WORLDS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SMALL_SEEDS),--small-seeds $(SMALL_SEEDS)) $(if $(PAGE),--page $(PAGE))

real-labels: setup ## docs/real_labels.md: the classifier that needs no tracks, on gaps others labelled (minutes of one core)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.make_real_labels

real-tracks: setup ## docs/real_tracks.md: p_off on real movements with planted switch-offs and lost messages (minutes of one core)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.make_real_tracks

geo: setup ## the derived files of geo/ from the hand-made ones, and their pictures
	$(BIN)/python -m pipeline.geobuild geo
	$(BIN)/python -m pipeline.waterbuild geo
	$(BIN)/python -m tests.make_pictures
	$(BIN)/python -m tests.make_water

faults: setup ## plant each fault of docs/faults.md and see a test turn red
	$(BIN)/python -m tests.plant_faults

lock: ## requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate -q -o requirements.lock

fuzz: setup ## every reader against hostile bytes, guided by coverage, SECONDS each (needs: pip install atheris)
	$(BIN)/python -m tests.fuzz_feeds $(TARGETS) --seconds $(SECONDS)

wheel-test: setup ## build the wheel, install it into an empty environment, start it elsewhere
	$(BIN)/python -m pytest -q -m long tests/test_wheel.py

clean: ## the demo's data and caches
	rm -rf data/demo .pytest_cache .ruff_cache .hypothesis .benchmarks
