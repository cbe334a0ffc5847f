"""The line model of the supply simulation beside the event simulator."""
