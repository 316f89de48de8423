# Everything a newcomer needs, on a fresh Debian 12:   make demo     make test
BUILD ?= build
PYTHON_TORCH ?= /usr/bin/python3

.PHONY: all install build-packages web-packages test-packages long-packages bench-packages serve-packages demo demo-gpt test \
	test-long bench bench-serve bench-support bench-retrieval clean
.NOTPARALLEL:

all: build-packages web-packages
	@test -f $(BUILD)/build.ninja || CC=gcc meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@ninja -C $(BUILD)

# The program, the library, its headers and ingot.pc:   make install        DESTDIR=/somewhere make install
install: all
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(DESTDIR))

build-packages:
	@tools/install_packages.sh build

# npm's packages for the console; without them the program is built without it, and says so.
web-packages:
	@web/install.sh

test-packages:
	@tools/install_packages.sh build test

# Without clang the fuzz targets are skipped by name, and the rest of the long tests runs.
long-packages: test-packages
	@tools/install_packages.sh long || echo "going on without packaging/debian-long.txt"

bench-packages:
	@tools/install_packages.sh build bench

serve-packages:
	@tools/install_packages.sh build serve

# A support desk of a small shop: it learns, answers, and is served with its console until Ctrl-C.     make demo DEMO=--no-serve
demo: all
	@tools/demo.sh $(DEMO) $(BUILD)

# Trains a GPT on Shakespeare in about a minute or two, and writes like him.
demo-gpt: all
	@$(BUILD)/ingot train recipes/shakespeare-char.yaml --out runs/shakespeare-char --overwrite

test: test-packages all
	@tools/run_tests.sh $(BUILD)

test-long: long-packages all
	@tools/run_long_tests.sh $(BUILD)

bench: bench-packages all
	@ninja -C $(BUILD) bench/gpt_step
	@python3 bench/run.py --build $(BUILD) --python $(PYTHON_TORCH) $(BENCH)

# BENCH='--quick' for a short run; bench/serve.py --help and bench/run.py --help tell the rest.
bench-serve: serve-packages all
	@ninja -C $(BUILD) bench/serve_step
	@python3 bench/serve.py --build $(BUILD) --python $(PYTHON_TORCH) $(BENCH)
	@$(PYTHON_TORCH) bench/logits.py --build $(BUILD) --python $(PYTHON_TORCH)

# How well the matcher finds answers (docs/support.md):   make bench-support        BENCH='few quick 1' for a part of it
bench-support: all
	@ninja -C $(BUILD) bench/support_bench
	@banking=$$(tools/unpack_data.sh banking77) && clinc=$$(tools/unpack_data.sh clinc150) && set -- $(or $(BENCH),all) && \
		part=$$1 && shift && $(BUILD)/bench/support_bench $$part $$banking $$clinc "$$@"
# Half an hour: does the ranker find answers to questions that it has not seen?   docs/support.md, section 4
bench-retrieval: all
	@ninja -C $(BUILD) bench/retrieval
	@folder=$$(tools/unpack_data.sh bank-faq) && $(BUILD)/bench/retrieval bank-faq $$folder/BankFAQs.csv
	@folder=$$(tools/unpack_data.sh zh-insurance-qa) && $(BUILD)/bench/retrieval zh-insurance-qa $$folder/baoxianzhidao_filter.csv
	@$(BUILD)/bench/retrieval scale

# What make made; runs of your own stay.
clean:
	rm -rf $(BUILD) $(BUILD).log build-asan build-asan.log build-fuzz build-fuzz.log runs/shakespeare-char runs/demo-shop bench/out
