"""RTP over UDP: ports, batched system calls, and the leg's media session."""
