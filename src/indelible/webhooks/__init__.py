"""The log's entries, posted to whoever asked for them, to the letter of Standard Webhooks 1.0.0.

`endpoints` is who asked; `deliverer` follows the log and gives each endpoint a `lane` of its own. What is sent is
`payload`, signed by `signing` with what `secret` derives, through `client`, past `guard`. `outcome` says what becomes
of a delivery after each attempt. `service` is what hosts, pages and the command line use.
"""
