"""The tutorial's training run under a schedule, and its comparison with Keras's builtin."""
