"""What Keras 1 programs call: layers by their former names and arguments."""
