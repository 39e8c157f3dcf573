"""The browser's door: HTTP, WebSocket, sessions, the waiting line, call control. Never touches a packet or a table."""
