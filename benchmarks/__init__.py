"""What the platform does per second on one core, with the machine's own limits beside it."""
