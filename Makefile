# Targets for what one types twice. `make help` lists them.

PREFIX ?= /usr/local
VENV ?= .build/venv
BENCH_VENV ?= .build/bench-venv
WHEEL_VENV ?= .build/wheel-venv
# The bare Debians in which the wheel and dist are tried, and of which the image is made.
WHEEL_ROOT ?= .build/wheel-root
DIST_ROOT ?= .build/dist-root
IMAGE_ROOT ?= .build/image-root
IMAGE = needletail:$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' Sources/Objectives/Python/needletail.py)
SWIFT ?= swift

# What the library and the command need to build and run, and what the tests need on top of it.
PACKAGES = libopenblas-dev liblapacke-dev libsqlite3-dev libyaml-dev libpcre2-dev librsvg2-2 \
  zlib1g-dev pkg-config fonts-dejavu-core libpq-dev libcurl4-openssl-dev libmicrohttpd-dev \
  libgnutls28-dev libnghttp2-dev
TEST_PACKAGES = $(PACKAGES) busybox-static chromium curl git node-typescript python3 python3-venv sqlite3 xz-utils zsh \
  faketime gridengine-client gridengine-exec gridengine-master iproute2 libgomp1 munge openssh-client \
  openssh-server openssl pgbouncer podman postgresql procps runc slurm-wlm util-linux

# The Swift runtime goes into the binary where that is possible: one file to copy, and it starts in
# half the time.
RELEASE = -c release $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib)
SOURCES = Package.swift Sources Tests $(wildcard Studies Benchmarks/Package.swift Benchmarks/Sources)
# A target must declare what it imports.
IMPORT_CHECK = --explicit-target-dependency-import-check error
# Python whose types are checked; all of it is checked for names that do not exist.
TYPED_PYTHON = Python/needletail $(filter-out %/conversions.py,$(wildcard Tests/Gates/*.py))
MUTANTS_SECONDS ?= 1800
# The tests that start threads; one data race makes the run fail.
TSAN_TESTS ?= ^(CoordinationTests|SQLiteStoresTests|ServingTests|WorkingTests)[.]
FUZZ_TARGETS ?= json message channel
FUZZ_SECONDS ?= 60
FLAKES ?= 20
PYTHON = $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(VENV)/bin/python
NEEDLETAIL = "$(CURDIR)/.build/release/needletail"
# Scripts leave no compiled files in the source tree.
export PYTHONDONTWRITEBYTECODE = 1
# Targets that compute are optimized in debug builds too, see Package.swift.
export NEEDLETAIL_OPTIMIZE = 1

.PHONY: help deps test-deps venv build library wheel wheel-check dist dist-check image test gates api coverage mutants flakes docs site tsan fuzz attack \
  lint format demo gallery boosting bench quality chaos install uninstall clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Installs those of the Debian packages $(1) that are missing; does and says nothing otherwise. Waits for
# another program that has the lock of dpkg, and for one that has that of the lists, for which apt-get does
# not wait by itself.
define install-packages
	@if ! command -v dpkg-query >/dev/null; then \
	  echo "this is no Debian: see that the equivalents of these are installed: $(1)" >&2; exit 0; \
	fi; \
	missing=; \
	for package in $(1); do \
	  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || \
	    missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  echo "installing$$missing"; \
	  log=$$(mktemp); left=120; \
	  until $$sudo env LC_ALL=C apt-get update -qq 2>$$log; do \
	    left=$$((left - 1)); \
	    if [ $$left = 0 ] || ! grep -q 'get lock' $$log; then cat $$log >&2; rm $$log; exit 1; fi; \
	    [ $$left -lt 119 ] || echo "another program has the lock of apt; waiting for ten minutes at most"; \
	    sleep 5; \
	  done; \
	  cat $$log >&2; rm $$log; \
	  $$sudo env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
	    apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 $$missing \
	    >/dev/null; \
	fi
endef

deps: ## install the Debian packages that are missing
	$(call install-packages,$(PACKAGES))

test-deps:
	$(call install-packages,$(TEST_PACKAGES))

venv: $(VENV)/.made ## make the Python environment that the tests use

# $(call make-venv,FOLDER,REQUIREMENTS) with the first Python on the PATH that is new enough.
define make-venv
	@rm -rf $(1)
	@for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3 none; do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null; then break; fi; \
	done; \
	if [ $$python = none ]; then \
	  echo "no Python 3.11 or newer with its venv module was found; install python3-venv" >&2; \
	  exit 1; \
	fi; \
	echo "making $(1)" && $$python -m venv $(1) && \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
	@touch $(1)/.made
endef

$(VENV)/.made: Tests/requirements.txt | test-deps
	$(call make-venv,$(VENV),$<)

build: deps ## build the command and the objectives of Studies/, optimized
	$(SWIFT) build $(RELEASE) --product needletail
	$(SWIFT) build $(RELEASE) --product digits

library: deps ## build .build/release/libneedletail.so, for C, Python and others
	$(SWIFT) build $(RELEASE) --product needletail-c
	@# Swift's runtime goes into it: a process that forked opens a copy, whose threads are its own.
	$(SWIFT)c -emit-library -static-stdlib -o .build/release/libneedletail.so \
	  @.build/release/needletail-c.product/Objects.LinkFileList \
	  $$(pkg-config --libs openblas sqlite3 yaml-0.1 libpcre2-8)

wheel: deps $(WHEEL_VENV)/.made ## make dist/needletail-….whl: the command, the engine and the Python package
	$(SWIFT) build $(RELEASE) --product needletail
	$(SWIFT) build $(RELEASE) --product needletail-c
	$(SWIFT) build $(RELEASE) --product digits
	@$(WHEEL_VENV)/bin/python Packaging/make_wheel.py .build/release

wheel-check: wheel ## check the wheel: what is in it, in a fresh environment, in a bare Debian; needs root
	$(call install-packages,debootstrap util-linux)
	@$(WHEEL_VENV)/bin/python Packaging/check_wheel.py $(WHEEL_ROOT)

$(WHEEL_VENV)/.made: Packaging/requirements.txt
	$(call install-packages,binutils python3 python3-venv)
	$(call make-venv,$(WHEEL_VENV),$<)

test: test-deps venv lint gates ## build and run all tests
	$(SWIFT) build --build-tests $(IMPORT_CHECK)
	@$(PYTHON) Tests/Gates/api.py
	@$(PYTHON) Tests/Gates/conversions.py
	@$(PYTHON) Tests/Gates/benchmarks.py
	@$(PYTHON) Documentation/site/make_site.py .build/debug .build/site
	NEEDLETAIL_TEST_PYTHON="$(PYTHON)" $(SWIFT) test --skip-build --disable-xctest

gates: test-deps venv ## check what the compiler does not: imports, doc comments, scripts
	@$(PYTHON) Tests/Gates/modules.py --check
	@$(PYTHON) Tests/Gates/names.py
	@$(PYTHON) Tests/Gates/version.py
	@$(PYTHON) Tests/Gates/doc_comments.py
	@$(PYTHON) Tests/Gates/line_length.py
	tsc --project Tests/Gates
	@git ls-files -z '*.py' | xargs -0 $(PYTHON) -m pyflakes
	@$(PYTHON) -m mypy --check-untyped-defs --no-error-summary --cache-dir .build/mypy \
	  $(TYPED_PYTHON)
	@# Python 3.8 runs the single-file client, 3.9 the package.
	@$(PYTHON) $(dir $(PYTHON))vermin --quiet --no-tips --target=3.8- Sources/Objectives/Python
	@$(PYTHON) $(dir $(PYTHON))vermin --quiet --no-tips --target=3.9- Python/needletail
	@$(PYTHON) -m pyright --project Tests/Gates/pyright.json --pythonpath $(PYTHON) --warnings \
	  >.build/pyright.txt || { cat .build/pyright.txt; exit 1; }

api: ## renew the listing of the library's API, which the tests compare with the library
	$(SWIFT) build --product Needletail
	$(PYTHON) Tests/Gates/api.py --renew

coverage: test-deps venv ## run all tests and print the share of lines that ran, by module
	@rm -rf .build/coverage/debug/codecov
	NEEDLETAIL_TEST_PYTHON="$(PYTHON)" $(SWIFT) test --disable-xctest --enable-code-coverage \
	  --scratch-path .build/coverage $(COVERAGE)
	@$(PYTHON) Tests/Gates/coverage.py .build/coverage

mutants: deps ## change the rules one by one and see whether a test notices, for MUTANTS_SECONDS
	@python3 Tests/Mutants/mutants.py --seconds $(MUTANTS_SECONDS) $(MUTANTS)

docs: deps ## build the library's documentation into .build/docs
	$(SWIFT) build --product Needletail
	@python3 Documentation/site/reference.py .build/debug .build/docs

site: deps venv ## build the documentation site into .build/site: all pages, the gallery, the library's reference, a search
	$(SWIFT) build --product Needletail
	@$(PYTHON) Documentation/site/make_site.py .build/debug .build/site

flakes: test-deps venv ## run the scenarios in the browser FLAKES times each; .build/flakes/log says which failed
	$(SWIFT) build --product needletail
	$(PYTHON) Tests/Browser/flakes.py .build/debug/needletail .build/flakes/log --times $(FLAKES) $(SCENARIOS)

tsan: test-deps venv ## run the tests of what many threads share under ThreadSanitizer
	$(SWIFT) build --build-tests --scratch-path .build/tsan --sanitize=thread -Xswiftc -DTHREAD_SANITIZER
	NEEDLETAIL_TEST_PYTHON="$(PYTHON)" $(SWIFT) test --skip-build --disable-xctest \
	  --scratch-path .build/tsan --sanitize=thread -Xswiftc -DTHREAD_SANITIZER --filter '$(TSAN_TESTS)'

fuzz: deps ## let libFuzzer invent input for our parsers, FUZZ_SECONDS for each
	$(SWIFT) build -c release --scratch-path .build/fuzz --product Fuzzer \
	  -Xswiftc -sanitize=fuzzer -Xswiftc -DFUZZING -Xswiftc -use-ld=lld
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p .build/fuzz/corpus/$$target; \
	  FUZZ_TARGET=$$target .build/fuzz/release/Fuzzer -max_total_time=$(FUZZ_SECONDS) -max_len=16384 \
	    -timeout=10 -rss_limit_mb=1024 -artifact_prefix=.build/fuzz/$$target- \
	    .build/fuzz/corpus/$$target Tests/FuzzTests/Corpus/$$target || exit; \
	done

attack: build test-deps venv ## attack the coordinator, workers and stores, ten minutes at most
	PATH="$(CURDIR)/.build/release:$$PATH" $(PYTHON) Tests/Attack/attack.py $(ATTACK)

lint: ## check the format of the sources
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format: ## format the sources in place
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

demo: build ## tune Studies/digits with two processes, show the best and plot the history
	@cd Studies/digits && $(NEEDLETAIL) run study.yaml --store digits.db
	@cd Studies/digits && for format in svg png html; do \
	  $(NEEDLETAIL) plot history digits --store digits.db -o history.$$format || exit; \
	done

gallery: build ## draw every figure of two studies of Studies/digits into gallery/, in all formats
	@cd Studies/digits && for study in study tradeoff; do \
	  $(NEEDLETAIL) run $$study.yaml --store digits.db --quiet || exit; \
	done
	@mkdir -p gallery Documentation/gallery
	@for study in digits tradeoff; do for format in svg png pdf html; do \
	  $(NEEDLETAIL) plot all $$study --store Studies/digits/digits.db -o gallery/$$study.$$format \
	    || exit; \
	done; done
	@for picture in digits-contour digits-edf digits-history digits-importances digits-intermediate \
	  digits-matters digits-rank digits-slice digits-timeline \
	  tradeoff-hypervolume tradeoff-parallel tradeoff-pareto; do \
	  cp gallery/$$picture.svg Documentation/gallery/ || exit; \
	done

boosting: build Studies/boosting/.venv/.made ## tune scikit-learn's gradient boosting in Python
	@cd Studies/boosting && $(NEEDLETAIL) run study.yaml --store boosting.db

Studies/boosting/.venv/.made: Studies/boosting/requirements.txt
	$(call install-packages,python3 python3-venv)
	$(call make-venv,Studies/boosting/.venv,$<)

bench: build library $(BENCH_VENV)/.made ## measure, beside Optuna and Rustuna; takes ten minutes
	$(SWIFT) build -c release --package-path Benchmarks
	$(BENCH_VENV)/bin/python Benchmarks/bench.py $(BENCH)

quality: venv ## run every sampler on a folder of optimization problems: make quality PROBLEMS=FOLDER
	@test -n "$(PROBLEMS)" || { echo "name the folder: make quality PROBLEMS=FOLDER" >&2; exit 64; }
	$(SWIFT) build -c release --package-path Benchmarks --product problems
	$(PYTHON) Benchmarks/quality.py "$(PROBLEMS)" $(QUALITY)

chaos: build test-deps venv ## run 10,000 trials while everything fails, on SQLite and on PostgreSQL
	@for store in sqlite postgresql; do \
	  PATH="$(CURDIR)/.build/release:$$PATH" $(PYTHON) Benchmarks/chaos/chaos.py \
	    --store $$store $(CHAOS) || exit; \
	done

$(BENCH_VENV)/.made: Benchmarks/requirements.txt
	$(call install-packages,chromium python3 python3-venv)
	$(call make-venv,$(BENCH_VENV),$<)

dist: deps build library $(WHEEL_VENV)/.made ## make what is handed out in dist/: an archive, a Debian package, the source with recipes, what is in them
	$(call install-packages,dpkg-dev xz-utils)
	$(SWIFT) build $(RELEASE) --product digits
	@$(WHEEL_VENV)/bin/python Packaging/make_dist.py .build/release $(if $(DIST_URL),--url "$(DIST_URL)")

image: dist ## make an image with the command for podman, docker and Kubernetes; needs root
	$(call install-packages,debootstrap podman runc)
	@$(WHEEL_VENV)/bin/python Packaging/make_image.py $(IMAGE_ROOT)

dist-check: image ## check what make dist and make image made, where nothing else is installed; needs root
	$(call install-packages,debootstrap lintian systemd util-linux)
	@$(WHEEL_VENV)/bin/python Packaging/check_dist.py $(DIST_ROOT) $(IMAGE)

install: build library ## install the command, its manual page and completions, the library and its header below PREFIX
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib" "$(DESTDIR)$(PREFIX)/include" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/share/man/man1"
	install -m 755 .build/release/needletail "$(DESTDIR)$(PREFIX)/bin/needletail"
	install -m 644 .build/release/libneedletail.so "$(DESTDIR)$(PREFIX)/lib/libneedletail.so"
	install -m 644 Sources/CInterface/needletail.h "$(DESTDIR)$(PREFIX)/include/needletail.h"
	$(NEEDLETAIL) completion bash \
	  > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/needletail"
	$(NEEDLETAIL) completion zsh > "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_needletail"
	$(NEEDLETAIL) help --man > "$(DESTDIR)$(PREFIX)/share/man/man1/needletail.1"

uninstall: ## remove what make install has put below PREFIX
	rm -f "$(DESTDIR)$(PREFIX)/bin/needletail" "$(DESTDIR)$(PREFIX)/lib/libneedletail.so" \
	  "$(DESTDIR)$(PREFIX)/include/needletail.h" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/needletail" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_needletail" \
	  "$(DESTDIR)$(PREFIX)/share/man/man1/needletail.1"

clean: ## remove what was built, and the tests' Python environment
	rm -rf .build dist Benchmarks/.build Studies/boosting/.venv
