"""The command line: each command is a file, imported only when it is called."""
