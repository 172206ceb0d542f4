"""The INI file: read, checked, told all problems at once, made into Settings."""
