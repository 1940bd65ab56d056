# Two commands on a fresh machine (Python 3.10 to 3.13 with venv, a C compiler, make): make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# An mnist.npz to train on; without one, Keras's cache, a download or scikit-learn's digits are used.
MNIST ?= $(abspath $(wildcard ../shared/mnist/mnist.npz))
DATA := $(if $(MNIST),--data $(MNIST))
export LRDECAY_MNIST := $(MNIST)
export TF_CPP_MIN_LOG_LEVEL ?= 2

# A worker begins with one half of the tests, and takes from the other: what a worker has loaded is used for long.
TEST := $(BIN)/python -m pytest -q -n auto --dist worksteal
ADAPTER := tests/keras_adapter lrdecay_native/keras
# What uses rates and makes none: it is the same on engines whose rates have the same bits.
USERS_OF_RATES := $(addprefix tests/,bench command_line docs fitting formulas keras_adapter parity torch_adapter test_plateau.py \
	$(addprefix schedules/test_,bad_values.py readers.py refusals.py serialisation.py shares.py values_in_use.py))
# What needs no engine, or runs on each.
OF_ANY_ENGINE := $(addprefix tests/,codegen golden piecewise $(addprefix test_,architecture.py ci.py files.py immutable.py))

.PHONY: build demo test test-numba golden backends parity slow-test thorough lint bench bench-compare bench-baseline bench-mnist bench-mnist-compare bench-torch docs gallery clean

$(VENV)/installed: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[test,bench]'
	touch $@

# What has changed is generated, translated and compiled again.  DEBUG=1: for a debugger.
build: $(VENV)/installed
	LRDECAY_DEBUG=$(DEBUG) $(BIN)/python setup.py --quiet build_ext --inplace

# What is tested beside the package, and compared with it.
$(VENV)/peers: $(VENV)/installed tests/parity/without-dependencies.txt
	$(BIN)/pip install --quiet --group backends --group parity
	$(BIN)/pip install --quiet --no-deps --requirement tests/parity/without-dependencies.txt
	touch $@

demo: build
	$(BIN)/lrdecay generate
	$(BIN)/lrdecay train $(DATA) --output demo

test: build
	$(TEST) -m "not slow"

# Once more on the numba engine: whatever makes rates.
test-numba: build
	LRDECAY_BACKEND=numba $(TEST) -m "not slow" tests $(patsubst %,--ignore=%,$(USERS_OF_RATES) $(OF_ANY_ENGINE))

# What new schedules, kernels and cases give is stored; tests/golden/__main__.py says when else one may run this.
golden: build
	$(BIN)/python -m tests.golden

# The Keras adapter on Keras's other backends, each in a process of its own; `make test` has it on TensorFlow.
backends: build $(VENV)/peers
	KERAS_BACKEND=jax LRDECAY_PEERS=required $(TEST) $(ADAPTER)
	KERAS_BACKEND=torch LRDECAY_PEERS=required $(TEST) $(ADAPTER)

# Against the real packages of Keras, torch, optax, transformers, timm, fvcore and composer; and the torch adapter.
parity: build $(VENV)/peers
	LRDECAY_PEERS=required $(TEST) tests/parity tests/torch_adapter lrdecay_native/torch

# Wheels, an installation without a compiler, and training on the whole of MNIST.
slow-test: build
	$(TEST) -m slow $$(grep -rl --include='*.py' 'mark\.slow' tests)

# Every drawn test as often as it can be worth it: some three quarters of an hour, and nothing needs a quiet machine.
thorough:
	LRDECAY_DRAWS=thorough $(MAKE) test test-numba backends parity slow-test

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: build
	$(BIN)/python -m bench run

bench-compare: build
	$(BIN)/python -m bench compare

bench-baseline: build
	$(BIN)/python -m bench store-baseline

# Steps of schedulers in PyTorch beside torch's; the table is written into docs/pytorch.md.
bench-torch: build $(VENV)/peers
	$(BIN)/python -m bench torch

bench-mnist: $(VENV)/peers
	$(BIN)/python -m bench mnist measure $(DATA)

bench-mnist-compare: $(VENV)/peers
	$(BIN)/python -m bench mnist compare $(DATA)

docs: gallery
	$(BIN)/python -m bench document

gallery: build
	$(BIN)/python docs/gallery.py
	$(BIN)/python docs/schedules.py

clean:
	rm -rf $(VENV) build dist demo *.egg-info src/*.c src/generated lrdecay_native/engines/*.so
