"""`homebroker up`: starts the parts in order, keeps them running, and stops them all."""
