# `make live` runs a room on this machine; PORT=, HOST= and DATA= are honoured. `make test` checks everything.
PYTHON ?= python3
export PORT HOST DATA

.PHONY: help live test
help:
	@echo "make live   set up and run: page, presenter, language model (PORT=8000 HOST=127.0.0.1 DATA=data)"
	@echo "make test   lint, type check and test (ARGS='tests/chat -k name')"

live: python
	@exec $(PYTHON) -m mysite.bootstrap live

test: python
	@exec $(PYTHON) -m mysite.bootstrap test $(ARGS)

.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || { echo "footlight: there is no $(PYTHON). Debian, Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
