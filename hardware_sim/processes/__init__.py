"""Lava processes (what a layer does) and their models (how), in a folder of their own.

Lava's compiler executes every file of the folder in which a process is defined, once per process: nothing else lives
here. It does so outside of any package, so that imports are absolute here, and relative everywhere else. The models must
not know the reference engines that they are compared with."""
