"""What all kernels share: JIT options, random numbers, inverse distribution functions."""
