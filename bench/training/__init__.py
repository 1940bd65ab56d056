"""The comparison with Keras's builtin during the tutorial's training run: ``python -m bench training``."""
