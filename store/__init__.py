"""Where things are kept: SQL, blobs, the bus. Implements the Protocols of `domain.ports`; decides nothing."""
