# make serve: a light environment, then the service on port 3000. make test: everything else, then the tests.
# make bench: how fast it is, in ten minutes; BENCH="--short", "--data DIR" or "--compare REF" are passed on.
PYTHON ?= python3
SERVE := .venv-serve
DEV := .venv

.PHONY: serve test bench check clean

$(SERVE)/installed: pyproject.toml
	$(PYTHON) -m venv $(SERVE)
	$(SERVE)/bin/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(DEV)/installed: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(DEV)/bin/pip install --quiet --disable-pip-version-check -e '.[train,dev]'
	touch $@

serve: $(SERVE)/installed
	$(SERVE)/bin/mawaqif serve

test: $(DEV)/installed
	$(DEV)/bin/python -m pytest

bench: $(SERVE)/installed $(DEV)/installed
	$(DEV)/bin/python -m training bench --server-python $(SERVE)/bin/python $(BENCH)

check: $(DEV)/installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy

clean:
	rm -rf $(SERVE) $(DEV) *.egg-info .mypy_cache .ruff_cache .pytest_cache
