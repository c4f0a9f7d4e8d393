"""What is on screen, as one frozen value: to and from the address, with what it names."""
