"""What the tests of several folders share: small stores and nodes that keep the Protocols."""
