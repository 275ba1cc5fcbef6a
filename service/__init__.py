"""Mawaqif in production: the analysis itself, the HTTP service and the command line."""
