# Targets for what one types twice. `make help` lists them.

PREFIX ?= /usr/local
VENV ?= .build/venv

.PHONY: help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
