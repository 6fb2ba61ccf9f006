# The front door. Meson and ninja build; tools/install brings what is missing on a bare Debian 12 (as root, or by sudo).
.PHONY: help build run test test-long unit e2e bench sanitize sanitize-threads lint fuzz docs clean

BUILD ?= build
NODE := tests/e2e/node_modules/.bin/node
ARGS ?=
FUZZ_SECONDS ?= 60
# Unit tests of what has threads.
THREADED := mover/seal mover/moves store/store store/aio store/intake store/ahead blob/transfers http/stream idp/ledger idp/password notify/broker

help:
	@echo 'make build     install what is missing, build everything into $(BUILD)/'
	@echo 'make run       a whole TRE on this machine, walked through an export and an import; until Ctrl-C'
	@echo '               (ARGS=--once: ends after the walk)'
	@echo 'make test      unit tests and end-to-end tests with real clients'
	@echo 'make test-long the same, with the full counts of races, mutations and slow clients'
	@echo 'make unit      unit tests only        make e2e     end-to-end tests only (FILES=tests/e2e/NAME.test.mjs)'
	@echo 'make bench     speed and memory, beside nginx and Azurite; also into $(BUILD)/bench.json'
	@echo 'make sanitize  build with address and undefined-behaviour sanitizers into build-asan/, run the unit tests'
	@echo 'make sanitize-threads   build with the thread sanitizer, run the tests of what has threads'
	@echo 'make lint      clang-tidy and cppcheck'
	@echo 'make fuzz      every fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS)) seconds'
	@echo 'make clean     remove what was built'

build:
	@tools/install build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD)
	@tools/link-programs $(BUILD)

run: build
	@tools/install demo js
	@AIRLOCK_BUILD=$(abspath $(BUILD)) $(NODE) tools/run-demo.mjs $(ARGS)

test: build
	@tools/install demo test js
	@AIRLOCK_BUILD=$(abspath $(BUILD)) tools/run-tests unit e2e

test-long: export AIRLOCK_LONG = 1
test-long: test

unit: build
	@AIRLOCK_BUILD=$(abspath $(BUILD)) tools/run-tests unit

e2e: build
	@tools/install demo test js
	@AIRLOCK_BUILD=$(abspath $(BUILD)) tools/run-tests e2e $(FILES)

bench: build
	@tools/install demo test bench js-bench
	@AIRLOCK_BUILD=$(abspath $(BUILD)) $(NODE) tests/bench/bench.mjs $(ARGS)

sanitize:
	@tools/install build
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan
	@tools/link-programs build-asan
	@AIRLOCK_BUILD=$(abspath build-asan) tools/run-tests unit

# Without address randomisation: the sanitizer wants its memory where it expects it.
sanitize-threads:
	@tools/install build
	@test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false
	@meson test -C build-tsan --print-errorlogs --wrapper 'setarch -R' $(THREADED)

lint:
	@tools/install build lint
	@tools/lint

fuzz:
	@tools/install build fuzz
	@tools/fuzz $(FUZZ_SECONDS)

clean:
	rm -rf build build-asan build-tsan build-fuzz build-lint
