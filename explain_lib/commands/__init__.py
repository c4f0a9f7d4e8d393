"""The commands of python -m explain_lib, one a file."""
