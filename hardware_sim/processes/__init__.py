"""Lava processes (what a layer does) and their models (how), in a folder of their own.

Lava's compiler executes every file of the folder in which a process is defined, once per process: nothing else lives
here. The models must not know the reference engines that they are compared with."""
