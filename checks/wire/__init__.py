"""Protocol clients that checks share: small, bounded, and told their deadline by the caller."""
