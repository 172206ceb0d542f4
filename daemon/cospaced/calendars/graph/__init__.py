"""Exchange Online, read through Microsoft Graph v1.0."""
