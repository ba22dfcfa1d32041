"""The console's pages about programs, participants and customers."""
