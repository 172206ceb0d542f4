# Everything is made in .venv; python3 (3.11 or newer) with venv and pip is all that must be there.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: demo documents test check bench soak deb clean

.venv/made: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'caldav>=3.6,<4'
	touch $@

demo: .venv/made ## The whole system in one terminal, in about 40 seconds.
	$(BIN)/cospaced demo

documents: .venv/made ## The manual pages and shell completions, from the program itself.
	$(RUN) contrib/make_documents.py

test: .venv/made ## Every test, on every core.
	$(BIN)/pytest -n auto --dist loadgroup

check: .venv/made ## What a change must pass besides the tests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: .venv/made ## Speed and memory, each beside its limit.
	$(RUN) tests/bench/run.py

soak: .venv/made ## A kill at every await, for every seed, random calendars and edits: over an hour.
	SOAK=1 $(BIN)/pytest tests/engine/test_kill.py tests/engine/test_random_edits.py \
	  tests/unit/test_ical_naive.py tests/unit/test_ical_damage.py

deb: .venv/made ## A Debian package in dist/, for the release on which it is built.
	$(RUN) contrib/debian/build.py

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
