"""What becomes of packets: recording, pictures, composition. Never opens a socket, never asks who may see what."""
