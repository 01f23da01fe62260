# Two commands do all the set-up: `make demo` installs and runs the main job, `make test` installs what the tests need.
# Everything is idempotent: a stamp says what was installed, and the second time costs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8002
EXTRAS ?=

# What is installed only when it is asked for, each with a lock file of its own: make install EXTRAS="ccxt parquet"
KNOWN_EXTRAS := ccxt parquet postgresql research traces
comma := ,
VERSIONS := sed -n 's/^\([A-Za-z0-9_.-]*==[^ ]*\).*/\1/p'
WANTED := $(subst $(comma), ,$(EXTRAS))
ifneq ($(filter-out $(KNOWN_EXTRAS),$(WANTED)),)
$(error EXTRAS=$(EXTRAS): there are $(KNOWN_EXTRAS))
endif

# The program is started by the hundred in its tests: what was compiled is kept.
unexport PYTHONDONTWRITEBYTECODE

# A file of tests stays in one process, so that what it shares is made once (tests/support/sharing.py). Half of the time
# one only waits, for servers and for time that passes: two for each core keep it at work.
PARALLEL := -n $(shell expr 2 \* $$(nproc)) --dist loadfile

# Debian packages that tests and benchmarks use, and the command that shows each is there.
TEST_PACKAGES := chromium-headless-shell faketime redis-server memcached influxdb victoria-metrics postgresql prometheus systemd gcc libc6-dev
TEST_COMMANDS := chromium-headless-shell faketime redis-server memcached influxd victoria-metrics pg_lsclusters promtool systemd-analyze gcc
BENCH_PACKAGES := nginx-light wrk redis-server memcached influxdb
BENCH_COMMANDS := /usr/sbin/nginx wrk redis-server memcached influxd

# The dashboard: built from dashboard/ into the package, by Node.
PAGE := src/virtuoso/web/static/app/index.html
PAGE_SOURCES := $(shell find dashboard/src dashboard/public -type f ! -name '*.test.ts' ! -name schema.ts 2>/dev/null) \
	dashboard/index.html dashboard/vite.config.ts dashboard/markdown.ts docs/methodology.md
NODE_MODULES := dashboard/node_modules/.installed

.PHONY: install demo page page-check types test soak check bench bench-compare track-record lived wheel audit docs clean lock packages

install: $(VENV)/.installed $(WANTED:%=$(VENV)/.installed-extra-%) $(PAGE)  ## the program and what it needs (EXTRAS="ccxt parquet")

demo: install  ## everything on the bundled history, on http://127.0.0.1:8002
	$(BIN)/virtuoso demo --port $(PORT)

page: $(PAGE)  ## the dashboard, built into the package

page-check: types $(PAGE)  ## types, style and tests of the dashboard
	npm --prefix dashboard run --silent check
	npm --prefix dashboard run --silent test

types: $(VENV)/.installed $(NODE_MODULES)  ## the dashboard's types, from Virtuoso's own OpenAPI document
	$(BIN)/python -m tools.openapi > dashboard/openapi.json
	npm --prefix dashboard run --silent types

test: $(VENV)/.installed-dev page-check  ## every test, with what they need
	@$(MAKE) --no-print-directory packages PACKAGES="$(TEST_PACKAGES)" COMMANDS="$(TEST_COMMANDS)"
	$(BIN)/pytest $(PARALLEL)

soak: $(VENV)/.installed-dev $(PAGE)  ## every test in its long form, one after the other: hours
	@$(MAKE) --no-print-directory packages PACKAGES="$(TEST_PACKAGES)" COMMANDS="$(TEST_COMMANDS)"
	VIRTUOSO_SOAK=1 $(BIN)/pytest -v --timeout 7200

check: $(VENV)/.installed-dev  ## the gate of every commit: style, types, imports, fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory page-check
	$(BIN)/pytest -q -m "not slow" $(PARALLEL)

bench: $(VENV)/.installed-dev  ## side by side with the peers: build/benchmarks, docs/benchmarks.md
	@$(MAKE) --no-print-directory packages PACKAGES="$(BENCH_PACKAGES)" COMMANDS="$(BENCH_COMMANDS)"
	$(BIN)/python -m benchmarks.run

bench-compare: $(VENV)/.installed-dev  ## what became worse since benchmarks/baseline.json, by the last `make bench`
	$(BIN)/python -m benchmarks.compare

track-record: $(VENV)/.installed-extra-parquet $(VENV)/.installed-extra-research  ## judge SETS=DIR: docs/track-record.md, and what is served of it
	$(BIN)/virtuoso research track-record $(or $(SETS),$(error SETS=DIR: the folder of the sets)) --no-config \
		--out docs/track-record.md --backtested src/virtuoso/model/backtested.json

lived: $(VENV)/.installed-dev  ## let the demo's market live 26 hours, as fast as it goes: docs/track-record-lived.md
	$(BIN)/python -m tools.live_a_day

wheel: $(VENV)/.installed $(PAGE)  ## dist/: the program in one file to install elsewhere, and the versions it was tested with
	rm -rf dist
	$(BIN)/python -m hatchling build -t wheel
	@$(VERSIONS) requirements-dev.lock > dist/constraints.txt

clean:  ## everything that was made here
	rm -rf $(VENV) build dist dashboard/node_modules $(dir $(PAGE)) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

# What `dev` pins, the others have too.
COMPILE = uv pip compile --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -q

docs: $(VENV)/.installed  ## the documentation site, links checked: build/docs/site
	test -x build/docs/venv/bin/zensical || { $(PYTHON) -m venv build/docs/venv && build/docs/venv/bin/pip install \
		--quiet --disable-pip-version-check --require-hashes -r tools/site/requirements.lock; }
	$(BIN)/python -m tools.site

audit: $(BIN)/python $(NODE_MODULES)  ## known holes of the dependencies, and what there are (SBOM): build/audit
	test -x build/audit/venv/bin/pip-audit || { $(PYTHON) -m venv build/audit/venv && build/audit/venv/bin/pip install \
		--quiet --disable-pip-version-check --require-hashes -r tools/audit.lock; }
	$(BIN)/python tools/audit.py

lock:  ## make the lock files anew (needs uv)
	$(COMPILE) tools/audit.in -o tools/audit.lock
	$(COMPILE) tools/site/requirements.in -o tools/site/requirements.lock
	$(COMPILE) pyproject.toml --all-extras -o requirements-dev.lock
	mkdir -p build
	$(VERSIONS) requirements-dev.lock > build/constraints.txt
	$(COMPILE) pyproject.toml --extra build -c build/constraints.txt -o requirements.lock
	for extra in $(KNOWN_EXTRAS); do \
		$(PYTHON) -c "import sys, tomllib; \
			extras = tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']; \
			print(*extras[sys.argv[1]], sep='\n')" $$extra > build/$$extra.in && \
		$(COMPILE) build/$$extra.in -c build/constraints.txt -o requirements-$$extra.lock || exit 1; \
	done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@test -f $(VENV)/.installed-dev || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-extra-%: requirements-%.lock | $(VENV)/.installed
	@test -f $(VENV)/.installed-dev || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.installed

$(NODE_MODULES): dashboard/package.json dashboard/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null || \
		{ echo "Node 20.19 or newer is needed to build the dashboard"; exit 2; }
	cd dashboard && npm ci --ignore-scripts --silent
	@touch $@

$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES)
	npm --prefix dashboard run --silent build -- --logLevel warn
	@touch $@

# Installs Debian packages whose commands are missing, as root or through sudo; otherwise says what to run.
packages:
	@missing=""; for command in $(COMMANDS); do command -v $$command >/dev/null 2>&1 || missing=yes; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then as=""; \
		elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as="sudo"; \
		else echo "missing Debian packages; run: sudo apt-get install -y --no-install-recommends $(PACKAGES)"; exit 2; fi; \
		echo "installing $(PACKAGES)"; \
		$$as apt-get update -qq && \
		$$as env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	fi
