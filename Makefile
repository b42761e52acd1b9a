# Every target does its own set-up: a bare Python 3.11 (3.12, 3.13) is all that must be there.
PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13,$(shell command -v python$(v))) python3)
BIN := .venv/bin
STAMP := .venv/.set-up
JOBS ?= 2

.PHONY: setup demo test slow slow-in-ci lint bench dist notebooks clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml tools/setup_env.py
	$(PYTHON) tools/setup_env.py
	@touch $@

demo: setup
	$(BIN)/neurosim estimate svformer_tiny --hardware cmos_45nm --hardware cmos_45nm_memory --hardware loihi1
	@echo
	$(BIN)/neurosim evaluate svformer_tiny --data motion --number 200 --hardware cmos_45nm --hardware loihi1

# modules compiled once stay so, whatever the environment says: half of the time of collecting
test slow slow-in-ci: export PYTHONDONTWRITEBYTECODE :=

test: setup
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

slow: setup
	$(BIN)/python -m pytest -q -m "slow or gpu"

# the slow tests that CI has time for: some two minutes of them
slow-in-ci: setup
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m slow --timeout 400 tests/train tests/passes \
		tests/capture tests/sim tests/mapping tests/data/test_motion_draw.py tests/test_cli_train.py \
		tests/models/test_svformer.py tests/studies/test_noise_sweep.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

dist: setup
	$(BIN)/python tools/check_dist.py

notebooks: setup
	@set -e; for file in notebooks/*.ipynb; do \
		if [ -e "$$file" ]; then $(BIN)/jupyter execute --timeout=300 "$$file"; fi; done

clean:
	rm -rf .venv build dist runs .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
