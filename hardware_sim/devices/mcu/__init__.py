"""Microcontrollers: a network's C99 cross-compiled and run in an emulator, bit by bit, with instructions and memory counted."""
