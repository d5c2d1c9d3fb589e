"""What a security upgrade must have changed, and what it must not have broken."""
