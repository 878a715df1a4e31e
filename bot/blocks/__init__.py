"""What people see: pure functions from the services' values to Block Kit. Same input, same JSON."""
