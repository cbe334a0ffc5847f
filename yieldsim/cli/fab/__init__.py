"""Commands about fabs and lines."""
