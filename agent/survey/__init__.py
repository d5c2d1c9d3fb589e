"""The survey that is walked: floor plans, looks at the air, what they make of a floor, and pictures of it."""
