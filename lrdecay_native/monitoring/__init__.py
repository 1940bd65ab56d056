"""What training shows and keeps of its rates, without a framework."""
