# The front door. Every target does its own set-up; a second run finds it done.

PYTHON ?= python3
PY := .venv/bin/python

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run demo test lint heap bench fuzz wear mount crash build flash image partition
.PHONY: verify provision selftest setup parts clean venv

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## the terminal in a browser page, with its acquirer (PORT= ACQUIRER=host:port BUNDLE=dir HEAP=bytes)
	@$(PY) -m tools.simulator run \
		$(if $(PORT),--port $(PORT)) $(if $(ACQUIRER),--acquirer $(ACQUIRER)) \
		$(if $(BUNDLE),--bundle $(BUNDLE)) $(if $(HEAP),--heap $(HEAP))

demo: setup ## a binding change from log-in to accepted, each screen printed (HEAP=bytes)
	@$(PY) -m tools.simulator demo $(if $(HEAP),--heap $(HEAP))

test: setup lint ## all tests, under CPython and under MicroPython
	@$(PY) -m tools.toolchain chromium
	@$(PY) -m pytest -n 2

lint: venv ## style and format of all code
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check

heap: setup ## the smallest MicroPython heap that is enough, and where memory goes (QUICK=1 LOAD= SCENARIOS=1; build/reports/heap.json, .png)
	@$(PY) -m tools.bench.heap $(if $(QUICK),--quick) $(if $(LOAD),--load $(LOAD)) \
		$(if $(SCENARIOS),--scenarios)

fuzz: setup ## a million random and spoilt inputs to all that reads what others send, and an acquirer that lies (INPUTS= SEED=)
	@$(PY) -m host_tests.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

bench: setup ## how fast cards and messages are, next to other ways (QUICK=1; build/reports/bench.json, .png)
	@$(PY) -m tools.bench.bench $(if $(QUICK),--quick)

wear: setup ## erases and bytes per binding update, the journal's and littlefs' (QUICK=1)
	@$(PY) -m tools.bench.wear $(if $(QUICK),--quick)

mount: setup ## what mounting a full journal takes, against the size of its ring
	@$(PY) -m tools.bench.mount

crash: setup ## power and line cut at every point, terminal and acquirer still agree (QUICK=1 SEED= ONLY=)
	@$(PY) -m host_tests.crash $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED)) \
		$(if $(ONLY),--only "$(ONLY)")

build: parts ## what goes onto the chip, its manifest, sizes and cost of a start (ARCH=none for bytecode alone)
	@$(PY) -m tools.build --arch $(or $(ARCH),xtensawin)
	@$(PY) -m tools.bench.start

flash: build ## the build onto a board, only what changed (PORT=serial or socket://host:port CONFIG=dir DRY=1)
	@$(PY) -m tools.device flash --port "$(PORT)" --build build/$(or $(ARCH),xtensawin) \
		$(if $(CONFIG),--config "$(CONFIG)") $(if $(DRY),--dry)

image: build ## one flash image for manufacturing (FIRMWARE=ESP32_GENERIC-….bin CONFIG=dir)
	@$(PY) -m tools.build.image --firmware "$(FIRMWARE)" $(if $(CONFIG),--config "$(CONFIG)")

verify: build ## is a board, or an image, what this tree builds, file by file (PORT= or IMAGE=file)
	@$(PY) -m tools.device verify --build build/$(or $(ARCH),xtensawin) \
		$(if $(IMAGE),--image "$(IMAGE)",--port "$(PORT)")

partition: venv ## a raw partition for the journal on a board in use; asks before it erases (PORT=)
	@$(PY) -m tools.device partition --port "$(PORT)"

provision: setup ## a flashed board becomes a terminal (PORT= TERMINAL= MERCHANT= HOST=name:port SSID= HOTLINE= BOARD= BUNDLE= REPLACE=1)
	@$(PY) -m tools.device provision --port "$(PORT)" --terminal "$(TERMINAL)" --merchant "$(MERCHANT)" \
		$(if $(HOST),--host "$(HOST)") $(if $(SSID),--ssid "$(SSID)") $(if $(HOTLINE),--hotline "$(HOTLINE)") \
		$(if $(BOARD),--board "$(BOARD)") $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(REPLACE),--replace)

selftest: venv ## a flashed board tests its parts, a report is kept in build/reports (PORT= SKIP=1 without a person)
	@$(PY) -m tools.device selftest --port "$(PORT)" $(if $(SKIP),--skip)

setup: parts ## .venv, .toolchain and build/device, without running anything
	@$(PY) -m tools.build

parts: venv
	@$(PY) -m tools.toolchain

venv:
	@$(PYTHON) -m tools.toolchain.venv

clean: ## remove what was built and what was run; the downloads stay
	@rm -rf build .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
