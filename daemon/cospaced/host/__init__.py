"""The machine we run on: clock, tasks off the loop, web, journal, systemd."""
