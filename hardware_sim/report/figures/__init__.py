"""The figures of a report, one kind in each file."""
