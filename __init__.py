"""offhook: a realtime voice media server with an embedded control plane."""
