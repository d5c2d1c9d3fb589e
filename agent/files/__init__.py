"""Files a person writes: the project file, its problems, its schema, and how it becomes a plan."""
