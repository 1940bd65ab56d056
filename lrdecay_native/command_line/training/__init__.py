"""The tutorial's training run under a schedule: its data, the run, what it leaves behind."""
