"""The command `lrdecay`."""
