"""What every HTTP connector shares: permits, sending, judging, retrying, redaction."""
