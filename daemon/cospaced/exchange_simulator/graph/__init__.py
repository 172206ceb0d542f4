"""Microsoft Graph v1.0 over the same mailboxes: calendar views, their deltas, and Entra's tokens.

Shapes are those of Microsoft's documentation of the `event` resource, of `event: delta`, of error
responses, and of the identity platform's client credentials flow.
"""
