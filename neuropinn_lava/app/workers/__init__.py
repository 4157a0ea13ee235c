"""Pools of worker processes that evaluate independent calls, on this machine or on a Dask cluster."""
