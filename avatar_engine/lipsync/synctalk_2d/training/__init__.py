"""Training of one presenter's networks: pictures and sound in, checkpoints and curves out; goes on after any stop."""
