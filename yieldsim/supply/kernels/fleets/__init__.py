"""The tools of a fab in a step: how many run, their failures and repairs, what a group can do."""
