# Two commands on a fresh machine (Python 3.10 to 3.13 with venv, a C compiler, make): make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# An mnist.npz to train on; without one, Keras's cache, a download or scikit-learn's digits are used.
MNIST ?= $(abspath $(wildcard ../shared/mnist/mnist.npz))
DATA := $(if $(MNIST),--data $(MNIST))
export LRDECAY_MNIST := $(MNIST)
export TF_CPP_MIN_LOG_LEVEL ?= 2

ADAPTER := tests/keras_adapter lrdecay_native/keras

SOURCES := pyproject.toml setup.py $(wildcard src/*.pyx src/kernels.pxi src/chains.pxi src/*.h) \
	$(wildcard lrdecay_native/formulas/*.py lrdecay_native/arithmetic/*.py) \
	lrdecay_native/step_kernels.py lrdecay_native/generation.py

.PHONY: demo test backends parity thorough slow-test lint bench bench-compare bench-baseline bench-mnist bench-mnist-compare docs gallery clean

$(VENV)/installed: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[test,bench]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/lrdecay generate
	$(BIN)/lrdecay train $(DATA) --output demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -q -n auto -m "not slow"

# The Keras adapter on Keras's other backends, each in a process of its own; `make test` has it on TensorFlow.
backends: $(VENV)/installed
	$(BIN)/pip install --quiet --group backends
	KERAS_BACKEND=jax LRDECAY_PEERS=required $(BIN)/python -m pytest -q -n auto $(ADAPTER)
	KERAS_BACKEND=torch LRDECAY_PEERS=required $(BIN)/python -m pytest -q -n auto $(ADAPTER)

# Against the real packages of Keras, torch, optax, transformers, timm, fvcore and composer.
parity: $(VENV)/installed
	$(BIN)/pip install --quiet --group parity
	$(BIN)/pip install --quiet --no-deps --requirement tests/parity/without-dependencies.txt
	LRDECAY_PEERS=required $(BIN)/python -m pytest -q -n auto tests/parity

# 100,000 random schedules and steps on each of Keras's backends, compiled, and then the slow tests with 1,000 fits.
thorough: $(VENV)/installed
	$(BIN)/pip install --quiet --group backends
	for backend in tensorflow jax torch; do \
		KERAS_BACKEND=$$backend LRDECAY_PEERS=required LRDECAY_CASES=100000 \
			$(BIN)/python -m pytest -q -n 0 tests/keras_adapter/test_compiled.py -k drawn || exit 1; \
	done
	LRDECAY_FITS=1000 $(MAKE) slow-test

slow-test: $(VENV)/installed
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/installed
	$(BIN)/python -m bench run

bench-compare: $(VENV)/installed
	$(BIN)/python -m bench compare

bench-baseline: $(VENV)/installed
	$(BIN)/python -m bench store-baseline

bench-mnist: $(VENV)/installed
	$(BIN)/pip install --quiet --group backends
	$(BIN)/python -m bench mnist measure $(DATA)

bench-mnist-compare: $(VENV)/installed
	$(BIN)/pip install --quiet --group backends
	$(BIN)/python -m bench mnist compare $(DATA)

docs: gallery
	$(BIN)/python -m bench document

gallery: $(VENV)/installed
	$(BIN)/python docs/gallery.py
	$(BIN)/python docs/schedules.py

clean:
	rm -rf $(VENV) build dist demo *.egg-info src/*.c src/generated_kernels.pxi lrdecay_native/engines/*.so
