"""The comparison during MNIST training: Keras's builtin, this library both ways, and what users do instead.

Each part is a suite of pytest-benchmark, run in a process of its own for each backend of Keras:
``step-time`` (a training step under each learning rate), ``rates`` (step by step over the whole run),
``seeds`` (loss and accuracy after training) and ``micro`` (what the schedule itself costs). ``python
-m bench mnist measure`` runs them and writes results.json and docs/mnist.md with its pictures; ``report``
writes the page anew from results.json; ``compare`` measures the times again and sets them against it.
"""
