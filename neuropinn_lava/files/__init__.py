"""Reading and writing: network files, records in HDF5, tables in TOML, atomic writing, guarded parsing, result folders."""
