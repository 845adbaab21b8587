"""A line in a storm, and a checker that shares nothing with it: `python -m tests.chaos`."""
