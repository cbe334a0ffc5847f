"""Commands on ensemble stores."""
