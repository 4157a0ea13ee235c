"""The interactive part of a report: arrays as text for its scripts, and the library that draws them."""
