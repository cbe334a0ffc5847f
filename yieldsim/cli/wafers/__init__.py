"""Commands about wafers, dies and yield."""
