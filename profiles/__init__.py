"""The shipped profiles (YAML) and how one is read, found and expanded into milestones and checks."""
