"""Puts the house together: settings, command line, logs, workers, the demonstration shop."""
