.DEFAULT_GOAL := help
PY := .venv/bin
# Where Python was told to keep nothing compiled, each start of a server or a test would compile all of Loupe again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup run test check bench fmt build docs
help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'
setup: ## virtual environment, Debian packages where allowed, built pages
	@sh setup.sh
run: setup ## a demonstration shop, served for this machine and the phones on its network
	@$(PY)/loupe serve --demo
test: ## everything, with real browsers and servers
	@sh setup.sh test && $(PY)/pytest -q -n 2 --dist worksteal -m "not alone" tests && $(PY)/pytest -m alone tests
check: ## style, types, imports, unit tests
	@sh setup.sh dev && sh check.sh
bench: ## the figures of docs/performance.md
	@sh setup.sh test && $(PY)/python -m loadtest bench
fmt: ## put files into the house style
	@sh setup.sh dev && $(PY)/ruff format . && $(PY)/ruff check --fix . && cd web && ../$(PY)/npx biome check --write src
build: ## the web pages
	@sh setup.sh build
docs: setup ## generated parts of the documentation and the frames' TypeScript types
	@$(PY)/python -m server.docs
