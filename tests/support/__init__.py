"""What tests start and build for themselves."""
