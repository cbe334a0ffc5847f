"""The command line: one short command a file, each imported only when it is called."""
