"""What an IT person would look at on a box, looked at: each line is fine, or says what to do."""
