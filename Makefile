# The front door. Every target does its own set-up; a second run finds it done.

PYTHON ?= python3
PY := .venv/bin/python

# What a person gives reaches a program as it is: through the environment, never through make's
# text, in which a `$` would be expanded, nor the shell's, in which a quote would end.
GIVEN := ACQUIRER ARCH ARGS BOARD BUNDLE CONFIG DRY FIRMWARE HEAP HOME_DIR HOST HOTLINE IMAGE INPUTS \
	LOAD MERCHANT ONLY PORT PYTHON QUICK REPLACE SCENARIOS SEED SKIP SSID TERMINAL
$(foreach name,$(GIVEN),$(if $(filter-out undefined,$(origin $(name))),\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
# $(call with,NAME,option): the option with what was given as NAME, or nothing.
# $(call flag,NAME,option): the option, if anything was given as NAME.
with = $${$1:+--$2="$$$1"}
flag = $${$1:+--$2}

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run demo acquirer setup test lint prove fuzz crash memory secrets heap bench wear
.PHONY: mount sbom clean
.PHONY: build flash image verify partition provision selftest parts all-packages
.PHONY: run-packages board-packages bench-packages test-packages

## Start here: try it, no hardware needed

run: setup ## the terminal in a browser (PORT= ACQUIRER= BUNDLE= HOME_DIR=)
	@$(PY) -m tools.simulator run $(call with,PORT,port) $(call with,ACQUIRER,acquirer) \
		$(call with,BUNDLE,bundle) $(call with,HEAP,heap)

demo: setup ## a change of account and one of card, as text (HEAP= HOME_DIR=)
	@$(PY) -m tools.simulator demo $(call with,HEAP,heap)

acquirer: run-packages ## the acquirer's office at its command line (ARGS= HOME_DIR=)
	@$(PY) -m tools.acquirer

help: ## this list
	@awk -F ':.*## ' '/^## / {printf "\n%s\n", substr($$0, 4)} \
		/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

## Develop

setup: parts ## get and build all that `make run` needs, run nothing
	@$(PY) -m tools.build

test: all-packages setup lint ## all tests, under CPython and under MicroPython
	@$(PY) -m tools.toolchain chromium
	@$(PY) -m pytest -n 4 --dist worksteal

lint: test-packages ## style and format of all code
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check

clean: ## remove what was built; the downloads and build/home stay
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name 'home*' -exec rm -rf {} +
	@rm -rf .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

## A board

build: parts ## what goes onto the chip, with a manifest (ARCH=none: bytecode)
	@$(PY) -m tools.build --arch="$${ARCH:-xtensawin}"
	@$(PY) -m tools.bench.start

flash: build board-packages ## bring a board up to date (PORT= CONFIG= DRY=1)
	@$(PY) -m tools.device flash $(call with,PORT,port) --build="build/$${ARCH:-xtensawin}" \
		$(call with,CONFIG,config) $(call flag,DRY,dry)

image: build board-packages ## one flash image for manufacturing (FIRMWARE= CONFIG=)
	@$(PY) -m tools.build.image --firmware="$$FIRMWARE" $(call with,CONFIG,config)

verify: build board-packages ## is a board, or an image, what this tree builds? (PORT= or IMAGE=)
	@$(PY) -m tools.device verify --build="build/$${ARCH:-xtensawin}" $(call with,PORT,port) \
		$(call with,IMAGE,image)

partition: board-packages ## a raw partition for the journal, asks first (PORT=)
	@$(PY) -m tools.device partition $(call with,PORT,port)

provision: setup board-packages ## make it a terminal (PORT= TERMINAL= MERCHANT= HOST= SSID= …)
	@$(PY) -m tools.device provision $(call with,PORT,port) --terminal="$$TERMINAL" \
		--merchant="$$MERCHANT" $(call with,HOST,host) $(call with,SSID,ssid) \
		$(call with,HOTLINE,hotline) $(call with,BOARD,board) $(call with,BUNDLE,bundle) \
		$(call flag,REPLACE,replace)

selftest: board-packages ## a board tests its parts (PORT= SKIP=1: without a person)
	@$(PY) -m tools.device selftest $(call with,PORT,port) $(call flag,SKIP,skip)

## Prove

prove: setup test-packages ## all sweeps, each against its budget of time (QUICK=1)
	@$(PY) -m host_tests.prove $(call flag,QUICK,quick)

crash: setup test-packages ## power and line cut at every point (QUICK=1 SEED= ONLY=)
	@$(PY) -m host_tests.crash $(call flag,QUICK,quick) $(call with,SEED,seed) \
		$(call with,ONLY,only)

memory: setup test-packages ## memory that ends at every call and seam (QUICK=1 SEED= ONLY=)
	@$(PY) -m host_tests.memory $(call flag,QUICK,quick) $(call with,SEED,seed) \
		$(call with,ONLY,only)

secrets: setup test-packages ## what is left of every secret, and where (QUICK=1 ONLY=)
	@$(PY) -m host_tests.secrets $(call flag,QUICK,quick) $(call with,ONLY,only)

fuzz: setup test-packages ## a million spoilt inputs, an acquirer that lies (INPUTS= SEED=)
	@$(PY) -m host_tests.fuzz $(call with,INPUTS,inputs) $(call with,SEED,seed)

heap: setup bench-packages ## the smallest heap that is enough (QUICK=1 LOAD= SCENARIOS=1)
	@$(PY) -m tools.bench.heap $(call flag,QUICK,quick) $(call with,LOAD,load) \
		$(call flag,SCENARIOS,scenarios)

bench: setup bench-packages ## how fast cards and messages are (QUICK=1)
	@$(PY) -m tools.bench.bench $(call flag,QUICK,quick)

wear: setup bench-packages ## flash erases and bytes per binding update (QUICK=1)
	@$(PY) -m tools.bench.wear $(call flag,QUICK,quick)

mount: setup bench-packages ## what mounting a full journal takes
	@$(PY) -m tools.bench.mount

sbom: build all-packages ## what all of this is made of (CycloneDX, build/reports)
	@$(PY) -m tools.build.sbom

parts: run-packages
	@$(PY) -m tools.toolchain

run-packages board-packages bench-packages test-packages:
	@"$$PYTHON" -m tools.toolchain.venv $(@:-packages=)

all-packages:
	@"$$PYTHON" -m tools.toolchain.venv run board bench test
