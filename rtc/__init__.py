"""One UDP port, many peers: ICE-lite, DTLS, SRTP, data channels, forwarding. Knows packets, never people."""
