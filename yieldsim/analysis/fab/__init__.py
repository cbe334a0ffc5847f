"""What an ensemble says of fabs: capacity, bottlenecks, tool states, cycle times, die yield."""
