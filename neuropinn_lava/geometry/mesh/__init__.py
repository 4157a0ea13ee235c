"""A user's mesh as a domain: its cells, its boundary facets, and samples of them."""
