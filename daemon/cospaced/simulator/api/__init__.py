"""The nodes of the API, one module for each family."""
