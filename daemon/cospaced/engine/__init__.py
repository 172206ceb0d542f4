"""The running machine: polls, plans, carries out. Talks to ports only."""
