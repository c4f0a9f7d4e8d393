# Two commands do everything: `make run` opens the dashboard, `make test` passes the tests. Both make .venv first.
# `make run OPTIONS="--device cpu"` hands options to the dashboard; `make bench` measures speed beside the peers,
# `make room` a room full of people: 40 sessions for five minutes, then 10,000 clicks, most of an hour in all;
# `make pictures` takes the README's pictures anew.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OPTIONS ?=

.PHONY: run test bench room pictures lint types clean browser

run: $(VENV)/.ready
	$(BIN)/python -m streamlit run dashboard/app.py $(if $(OPTIONS),-- $(OPTIONS))

test: $(VENV)/.ready-for-tests browser
	$(BIN)/python -m pytest

bench: $(VENV)/.ready-for-bench browser
	$(BIN)/python -m benchmarks.compute
	$(BIN)/python -m benchmarks.causes
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m benchmarks.held_out
	$(BIN)/python -m benchmarks.browser
	$(BIN)/python -m benchmarks.room --quick

room: $(VENV)/.ready-for-bench
	$(BIN)/python -m benchmarks.room
	$(BIN)/python -m benchmarks.endurance

pictures: $(VENV)/.ready-for-bench browser
	$(BIN)/python -m benchmarks.tour

lint: $(VENV)/.ready-for-tests
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: $(VENV)/.ready-for-tests
	$(BIN)/python -m mypy

# The system's Chromium or Chrome if there is one; else Playwright brings its own.
browser: $(VENV)/.ready-for-tests
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || $(BIN)/python -m playwright install --with-deps chromium

$(VENV)/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@echo "Installing what the dashboard needs into $(VENV); PyTorch makes that some minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

# Quantus, against which the measures of known places are checked, asks for opencv-python, which would overwrite the headless
# build, and so does Ultralytics, a second opinion; all else that they need is there.
$(VENV)/.ready-for-tests: $(VENV)/.ready tests/requirements.txt
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps "quantus>=0.6,<0.7" "ultralytics>=8.4.113,<8.5"
	@touch $@

$(VENV)/.ready-for-bench: $(VENV)/.ready-for-tests benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet -r benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
