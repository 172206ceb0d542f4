"""Exchange Server, read through EWS by exchangelib, which runs in child processes alone."""
